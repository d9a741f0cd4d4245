#include "environment.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/clock.h"
#include "../measure/system_file.h"

/* ---- probes ------------------------------------------------------------------------------------------------ */

static fact emulated(const machine *m) {
    return fact_unavailable("every instruction is interpreted here (%.40s)", m->hypervisor);
}

/* The best of the run, not of one moment: a roof that the clock takes away again is still the roof. */
static void probe_peaks(environment *env) {
    for (unsigned w = 0; w < PEAK_WIDTHS; w++) {
        fact *peak = &env->fma_peak_gflops[w];
        if (env->machine.emulated)
            *peak = emulated(&env->machine);
        else if (!fma_peak_usable(peak_width_bits[w]))
            *peak = fact_unavailable("no such registers may be used here");
        else
            *peak = fact_number(fmax(peak->number, fma_peak_gflops(peak_width_bits[w])));
    }
}

/* The greatest of a few: what disturbs a probe makes the core look slower than it is. */
static fact probe_core(const environment *env) {
    enum { PROBES = 3 };
    const char *reason = "";
    double best_hz = 0;
    if (env->machine.emulated) return emulated(&env->machine);
    for (unsigned p = 0; p < PROBES; p++) best_hz = fmax(best_hz, clock_core_hz(&reason));
    return best_hz > 0 ? fact_number(best_hz) : fact_unavailable("%s", reason);
}

static fact load_average(const environment *env) {
    char line[96];
    double load;
#ifdef __linux__
    const int error_number = system_line(env->source.proc, "loadavg", line, sizeof line);
    if (error_number != 0) return fact_unavailable("%s/loadavg: %s", env->source.proc, strerror(error_number));
    if (sscanf(line, "%lf", &load) != 1) return fact_unavailable("%s/loadavg is not understood", env->source.proc);
#else
    (void)env, (void)line;
    if (getloadavg(&load, 1) != 1) return fact_unavailable("the system does not tell");
#endif
    return fact_number(load);
}

static void probe_counters(environment *env) {
    counters c;
    counters_open(&c, env->source.kernel);
    for (unsigned i = 0; i < COUNTERS; i++) {
        const char *reason = counter_unavailable(&c, i);
        env->counter[i] = reason != NULL ? fact_unavailable("%s", reason) : fact_text("available");
    }
    counters_close(&c);
}

/* ---- start and sample -------------------------------------------------------------------------------------- */

void environment_start(environment *env, const environment_source *source, const machine *m) {
    *env = (environment){.source = source != NULL ? *source : (environment_source){0}};
    if (env->source.proc == NULL) env->source.proc = "/proc";
    if (env->source.sys == NULL) env->source.sys = "/sys";
    if (env->source.now_ns == NULL) env->source.now_ns = clock_now_ns;
    if (m != NULL)
        env->machine = *m;
    else
        machine_read(&env->machine);
    env->first = environment_usage_read(env);
    energy_start(&env->energy, env->source.sys, env->first.now_ns);
    environment_settings(env);
    probe_counters(env);
    environment_sample(env);
    env->load_start = env->load_end;
    env->core_hz_start = env->core_hz_end;
    env->core_hz_least = env->core_hz_greatest = env->core_hz_end.number;
}

void environment_sample(environment *env) {
    env->load_end = load_average(env);
    probe_peaks(env); /* before the clock, so that the core has left its idle clock */
    env->core_hz_end = probe_core(env);
    env->core_hz_least = fmin(env->core_hz_least, env->core_hz_end.number);
    env->core_hz_greatest = fmax(env->core_hz_greatest, env->core_hz_end.number);
    environment_usage_since_start(env);
    energy_sample(&env->energy, env->source.now_ns());
}

/* ---- the document ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    {"tsc_hz", offsetof(environment, tsc_hz)},
    {"others_processors", offsetof(environment, others_processors)},
    {"waited_percent", offsetof(environment, waited_percent)},
    {"steal_percent", offsetof(environment, steal_percent)},
    {"processors_online", offsetof(environment, processors_online)},
    {"affinity", offsetof(environment, affinity)},
    {"governor", offsetof(environment, governor)},
    {"turbo", offsetof(environment, turbo)},
    {"smt", offsetof(environment, smt)},
    {"aslr", offsetof(environment, aslr)},
    {"transparent_huge_pages", offsetof(environment, transparent_huge_pages)},
    {"page_bytes", offsetof(environment, page_bytes)},
    {"memory_available_bytes", offsetof(environment, memory_available_bytes)},
    {"microcode", offsetof(environment, microcode)},
};

static json_t *core_json(const environment *env) {
    if (!fact_known(&env->core_hz_start)) return fact_json(&env->core_hz_start);
    return json_pack("{s:o, s:o, s:o, s:o}", "start", fact_json(&env->core_hz_start), "end",
                     fact_json(&env->core_hz_end), "least", number_json(env->core_hz_least), "greatest",
                     number_json(env->core_hz_greatest));
}

/* Only the widths that may be used: an absent width is no gap in what is known. */
static json_t *peaks_json(const environment *env) {
    json_t *object = json_object();
    for (unsigned w = 0; w < PEAK_WIDTHS; w++) {
        char bits[16];
        snprintf(bits, sizeof bits, "%u", peak_width_bits[w]);
        if (fact_known(&env->fma_peak_gflops[w]))
            json_object_set_new(object, bits, fact_json(&env->fma_peak_gflops[w]));
    }
    if (json_object_size(object) > 0) return object;
    json_decref(object);
    return fact_json(&env->fma_peak_gflops[0]);
}

static json_t *load_json(const environment *env) {
    if (!fact_known(&env->load_start)) return fact_json(&env->load_start);
    return json_pack("{s:o, s:o}", "start", fact_json(&env->load_start), "end", fact_json(&env->load_end));
}

static json_t *counters_available_json(const environment *env) {
    bool any = false;
    for (unsigned i = 0; i < COUNTERS; i++) any = any || fact_known(&env->counter[i]);
    if (!any) return fact_json(&env->counter[0]);
    json_t *object = json_object();
    for (unsigned i = 0; i < COUNTERS; i++)
        json_object_set_new(object, counter_name(i), fact_json(&env->counter[i]));
    return object;
}

json_t *environment_json(const environment *env) {
    json_t *object = json_object();
    json_object_set_new(object, "seconds", number_json(env->seconds));
    json_object_set_new(object, "core_hz", core_json(env));
    json_object_set_new(object, "fma_peak_gflops", peaks_json(env));
    json_object_set_new(object, "load", load_json(env));
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        json_object_set_new(object, fields[f].name,
                            fact_json((const fact *)((const char *)env + fields[f].offset)));
    json_object_set_new(object, "counters", counters_available_json(env));
    return object;
}

json_t *environment_energy_json(const environment *env) {
    json_t *object = json_object();
    for (unsigned d = 0; d < ENERGY_DOMAINS; d++) {
        const fact joules = energy_joules(&env->energy, d);
        json_object_set_new(object, energy_name(d), fact_json(&joules));
    }
    return object;
}
