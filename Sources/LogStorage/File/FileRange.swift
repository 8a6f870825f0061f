// SPDX-License-Identifier: Apache-2.0

/// A part of a file that is about to be sent, and may have to come from the disk first. Keeps the file open.
package struct FileRange: Sendable {
    private let file: any StorageFile
    private let position: Int64
    private let count: Int

    /// - Parameter count: at least one byte.
    init(_ file: any StorageFile, at position: Int64, count: Int) {
        self.file = file
        self.position = position
        self.count = count
    }

    /// Whether its last byte is in the page cache, by which the rest is judged. (Its first bytes have just been read to find
    /// it.) One system call, which does not wait, but may make the kernel fetch that byte: who asks again may hear
    /// otherwise.
    package var isLikelyCached: Bool { file.isCached(at: position + Int64(count) - 1) }

    /// Brings it into the page cache, and waits for the disk.
    ///
    /// What cannot be read is left to whoever sends it, and finds the same.
    package func bringIn() {
        // All is asked for at once; the reads only wait until it is there.
        file.willRead(at: position, count: count)
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { space in
            var done = 0
            while done < count {
                let part = UnsafeMutableRawBufferPointer(rebasing: space[..<min(space.count, count - done)])
                guard let read = try? file.read(into: part, at: position + Int64(done)), read > 0 else { return }
                done += read
            }
        }
    }
}
