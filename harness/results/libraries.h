/* libraries.h: the versions of the libraries that this program runs with. */
#ifndef HARNESS_LIBRARIES_H
#define HARNESS_LIBRARIES_H

#include <jansson.h>

/* Name -> version: the one loaded where the library tells it, else the one built with. NULL without memory. */
json_t *libraries_json(void);

#endif
