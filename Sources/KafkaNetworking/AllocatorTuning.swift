// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the C library's allocator is told about frames.
///
/// By itself glibc gives the memory of each large frame back to the kernel when it is freed, and the next frame pays
/// for the same pages again: a fault per 4 KiB, and their clearing.
package enum AllocatorTuning {
    /// Keeps up to this much freed memory per arena for the next frames, and takes frames up to this size from arenas.
    /// To be called once, when the program starts. Does nothing where the C library has no `mallopt`.
    package static func keepFreedMemory(bytes: Int) {
        // `malloc.h` is not among the headers that Swift imports.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)
        let (trimThreshold, mmapThreshold): (CInt, CInt) = (-1, -3)
        _ = mallopt(trimThreshold, CInt(clamping: bytes))
        _ = mallopt(mmapThreshold, CInt(clamping: bytes))
    }
}
