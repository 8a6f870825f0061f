// SPDX-License-Identifier: Apache-2.0

/// A table as the newer of Apache's commands print it: columns as wide as their longest value, a tab behind each.
struct PaddedTable {
    let headers: [String]
    var rows: [[String]] = []

    init(_ headers: String...) { self.headers = headers }

    var lines: [String] {
        let widths = headers.indices.map { column in
            ([headers] + rows).map { $0[column].utf16.count }.max() ?? 0
        }
        return ([headers] + rows).map { row in
            zip(row, widths).map { value, width in
                value + String(repeating: " ", count: max(0, width - value.utf16.count)) + "\t"
            }.joined()
        }
    }
}
