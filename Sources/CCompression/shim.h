// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <isa-l/crc.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

// ISA-L takes a pointer to bytes that it only reads, but does not say const.
static inline unsigned int martlet_crc32_iscsi(const void *buffer, int length, unsigned int seed) {
    return crc32_iscsi((unsigned char *)buffer, length, seed);
}

// The initialisers of zlib are macros.
static inline int martlet_inflate_gzip_init(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

static inline int martlet_deflate_gzip_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
