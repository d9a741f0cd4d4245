/* data_files.h: small files for the tests of data sets, in a temporary folder. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct bytes {
    size_t size;
    uint8_t at[4096];
} bytes;

static inline void put(bytes *b, const void *data, size_t size) {
    ck_assert_uint_le(b->size + size, sizeof b->at);
    memcpy(b->at + b->size, data, size);
    b->size += size;
}

static inline void put_little_endian(bytes *b, uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) put(b, (uint8_t[]){(uint8_t)(value >> 8 * i)}, 1);
}

/* CRC-32 as RFC 1952, section 8, defines it, bit by bit: independent of zlib. */
static inline uint32_t crc32_of(const bytes *b) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < b->size; i++) {
        crc ^= b->at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* One gzip member with one stored block (RFC 1951, section 3.2.4). */
static inline bytes gzip_stored(const bytes *plain) {
    static const uint8_t header[10] = {0x1f, 0x8b, 8, [9] = 255};
    bytes b = {.size = 0};
    put(&b, header, sizeof header);
    put_little_endian(&b, 1, 1);
    put_little_endian(&b, (uint32_t)plain->size, 2);
    put_little_endian(&b, ~(uint32_t)plain->size, 2);
    put(&b, plain->at, plain->size);
    put_little_endian(&b, crc32_of(plain), 4);
    put_little_endian(&b, (uint32_t)plain->size, 4);
    return b;
}

/* folder: where the temporary folder's path goes. */
static inline void make_folder(char *folder, size_t size) {
    const char *parent = getenv("TMPDIR");
    const int length = snprintf(folder, size, "%s/idp-test-XXXXXX", parent != NULL ? parent : "/tmp");
    ck_assert(length > 0 && (size_t)length < size);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

enum { TEST_PATH_SIZE = 4096 };

static inline void join_path(char path[TEST_PATH_SIZE], const char *folder, const char *name) {
    const int length = snprintf(path, TEST_PATH_SIZE, "%s/%s", folder, name);
    ck_assert(length > 0 && length < TEST_PATH_SIZE);
}

/* For one expression: the last four results stay valid. */
static inline const char *path_in(const char *folder, const char *name) {
    static char path[4][TEST_PATH_SIZE];
    static unsigned next;
    next = (next + 1) % 4;
    join_path(path[next], folder, name);
    return path[next];
}

static inline void write_file(const char *folder, const char *name, const bytes *b) {
    char path[TEST_PATH_SIZE];
    join_path(path, folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(b->at, 1, b->size, file), b->size);
    ck_assert_int_eq(fclose(file), 0);
}

static inline size_t count_entries(const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL) return 0;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

/* With everything in it. */
static inline void remove_folder(const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[TEST_PATH_SIZE];
        struct stat facts;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        join_path(path, folder, entry->d_name);
        if (lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
            remove_folder(path);
        else
            unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

#endif
