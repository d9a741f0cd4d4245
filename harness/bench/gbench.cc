// gbench.cc: Google Benchmark behind extern "C": C structs in, medians out, nothing thrown.
#include "gbench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <exception>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using Run = benchmark::BenchmarkReporter::Run;

// Since 1.8 `skipped` stands where `error_occurred` stood.
template <class R> auto failed(const R &run, int) -> decltype(static_cast<bool>(run.error_occurred)) {
    return run.error_occurred;
}
template <class R> auto failed(const R &run, long) -> decltype(run.skipped != decltype(run.skipped)()) {
    return run.skipped != decltype(run.skipped)();
}

double least(const std::vector<double> &v) { return *std::min_element(v.begin(), v.end()); }
double greatest(const std::vector<double> &v) { return *std::max_element(v.begin(), v.end()); }

double in_ns(const Run &run, double time) { return time * 1e9 / benchmark::GetTimeUnitMultiplier(run.time_unit); }
double time_ns(const Run &run) { return in_ns(run, run.GetAdjustedRealTime()); }
double cpu_ns(const Run &run) { return in_ns(run, run.GetAdjustedCPUTime()); }

// Between Google Benchmark and its own display: notes the times for C, passes the rows on.
class Relay : public benchmark::BenchmarkReporter {
  public:
    Relay(benchmark::BenchmarkReporter *display_, const gbench_options &options_)
        : display(display_), options(options_) {}

    void Expect(const std::string &name, size_t index) { cases[name] = index; }

    // What one repetition of the case that runs now takes: an aggregate's own count is that of the repetitions.
    void Iterations(uint64_t count) { iterations = count; }

    bool ReportContext(const Context &context) override { return display->ReportContext(context); }

    void ReportRuns(const std::vector<Run> &runs) override {
        if (options.stop()) return; // what comes now was not measured
        std::vector<Run> shown;
        for (const Run &run : runs) {
            if (!failed(run, 0)) Note(run);
            if (failed(run, 0) || !options.medians_only || run.repetitions <= 1 || run.aggregate_name == "median")
                shown.push_back(run);
        }
        if (!shown.empty()) display->ReportRuns(shown);
    }

    void Finalize() override { display->Finalize(); }

  private:
    // The aggregates, not the repetitions, are what arrives whatever the user asked to be shown. They come in the
    // order in which they were registered: mean, median, ..., then ours.
    void Note(const Run &run) {
        const auto found = cases.find(run.run_name.function_name);
        if (found == cases.end()) return;
        if (run.run_type == Run::RT_Iteration) {
            if (run.repetitions > 1) return;
            result.median_ns = result.low_ns = result.high_ns = time_ns(run);
            result.cpu_ns = cpu_ns(run);
        } else if (run.aggregate_name == "median") {
            result.median_ns = time_ns(run);
            result.cpu_ns = cpu_ns(run);
            return;
        } else if (run.aggregate_name == "least") {
            result.low_ns = time_ns(run);
            return;
        } else if (run.aggregate_name == "greatest") {
            result.high_ns = time_ns(run);
        } else {
            return;
        }
        result.index = found->second;
        result.iterations = iterations;
        result.repetitions = static_cast<unsigned>(std::max<int64_t>(1, run.repetitions));
        options.result(options.user, &result);
    }

    benchmark::BenchmarkReporter *display;
    const gbench_options &options;
    std::unordered_map<std::string, size_t> cases;
    uint64_t iterations = 0;
    gbench_result result = {};
};

// One call of KeepRunningBatch hands the whole iteration count to C, so that the loop is C's alone.
void run_case(benchmark::State &state, const gbench_case &c, const gbench_options &options, Relay &relay,
              error *trouble) {
    if (options.stop()) {
        state.SkipWithError("interrupted");
        return;
    }
    error e = {""};
    if (!c.ready(c.state, &e)) {
        if (trouble->text[0] == '\0') *trouble = e;
        state.SkipWithError(e.text);
        return;
    }
    const auto n = state.max_iterations;
    relay.Iterations(static_cast<uint64_t>(n));
    while (state.KeepRunningBatch(n)) c.run(c.state, static_cast<uint64_t>(n));
    state.counters["flop"] = benchmark::Counter(c.flops, benchmark::Counter::kIsIterationInvariantRate);
}

// Google Benchmark reads its options from argv and keeps what it read: the filter and the listing of an earlier
// call in this process are therefore reset. What it does not know stays in argv.
bool read_options(const gbench_options &options, error *e) {
    static char program[] = "idp bench"; // static: Google Benchmark keeps the pointer
    std::vector<std::string> words = {"--benchmark_filter=all", "--benchmark_list_tests=false",
                                      "--benchmark_repetitions=" + std::to_string(options.repetitions),
                                      "--benchmark_min_time=" + std::to_string(options.min_time_s)};
    words.insert(words.end(), options.extra, options.extra + options.extra_count);
    std::vector<char *> argv = {program};
    for (std::string &word : words) argv.push_back(&word[0]);
    argv.push_back(nullptr);
    int argc = static_cast<int>(argv.size()) - 1;
    benchmark::Initialize(&argc, argv.data());
    if (argc > 1) return fail(e, "'%s' is not an option of Google Benchmark, or its value is wrong", argv[1]);
    return true;
}

bool run_all(const gbench_case *cases, size_t count, const gbench_options &options, size_t *matched, error *e) {
    if (!read_options(options, e)) return false;
    Relay relay(benchmark::CreateDefaultDisplayReporter(), options);
    error trouble = {""};
    benchmark::ClearRegisteredBenchmarks();
    for (size_t i = 0; i < count; i++) {
        const gbench_case &c = cases[i];
        relay.Expect(c.name, i);
        benchmark::RegisterBenchmark(c.name,
                                     [&c, &options, &relay, &trouble](benchmark::State &state) {
                                         run_case(state, c, options, relay, &trouble);
                                     })
            ->ComputeStatistics("least", least)
            ->ComputeStatistics("greatest", greatest);
    }
    const size_t found = benchmark::RunSpecifiedBenchmarks(&relay);
    benchmark::ClearRegisteredBenchmarks();
    if (trouble.text[0] != '\0') return fail(e, "%s", trouble.text);
    if (found == 0) return fail(e, "the filter matches no benchmark; --benchmark_list_tests after -- lists them");
    if (matched != nullptr) *matched = found;
    return true;
}

} // namespace

extern "C" bool gbench_run(const gbench_case *cases, size_t count, const gbench_options *options, size_t *matched,
                           error *e) {
    try {
        return run_all(cases, count, *options, matched, e);
    } catch (const std::exception &exception) {
        return fail(e, "Google Benchmark: %s", exception.what());
    } catch (...) {
        return fail(e, "Google Benchmark failed without saying why");
    }
}
