/* csv.h: the records of one kind as comma-separated values. */
#ifndef REPORTS_CSV_H
#define REPORTS_CSV_H

#include <jansson.h>

#include "../harness/error.h"

/* Writes folder/<kind>.csv for every kind in `records`; see report.h. A kind becomes a file's name, so it must be
 * lower-case letters, digits and underscores. */
bool csv_check(const json_t *records, error *e);
bool csv_write(const json_t *records, const char *folder, error *e);

#endif
