// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import BrokerServer

@Suite struct SessionFileTests {
    private let content = SessionFile.Content(
        sessionID: -7_201_318_412, password: [0, 1, 0xab, 0xff], connect: "h:2181/kafka")

    @Test func whatIsWrittenIsRead() throws {
        let directory = NSTemporaryDirectory() + "martlet-session-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = SessionFile(directory: directory)
        #expect(file.read() == nil)
        #expect(file.write(content))
        #expect(file.read() == content)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        file.remove()
        #expect(file.read() == nil)
    }

    @Test(arguments: [
        "", "version=2\nsession=1\npassword=00\nconnect=h", "version=1\nsession=x\npassword=00\nconnect=h",
        "version=1\nsession=1\npassword=0\nconnect=h", "version=1\nsession=1\npassword=zz\nconnect=h",
        "version=1\nsession=1\nconnect=h", "garbage",
    ])
    func whatIsDamagedIsNotBelieved(text: String) {
        #expect(SessionFile.parse(text) == nil)
    }
}
