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

    @Test func theNewestOfAllDirectoriesCounts() throws {
        let root = NSTemporaryDirectory() + "martlet-session-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let directories = ["a", "b", "c"].map { root + "/" + $0 }
        for directory in directories {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        }
        // The first directory has failed.
        let files = SessionFiles(directories: [root + "/failed"] + directories)
        #expect(files.read() == nil)
        #expect(files.write(content))
        #expect(files.read() == content)
        var newer = content
        newer.sessionID = 17
        #expect(SessionFile(directory: directories[1]).write(newer))
        // What came back with directories that were repaired is old.
        for (directory, age) in [(directories[0], 3600.0), (directories[2], 7200)] {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -age)],
                ofItemAtPath: directory + "/" + SessionFile.name)
        }
        #expect(files.read() == newer && files.newest?.file.directory == directories[1])
        files.remove()
        #expect(files.read() == nil)
    }

    @Test func aCopyOfTheDirectoryHasNoSession() throws {
        // Its lock is free while the broker lives.
        let directory = NSTemporaryDirectory() + "martlet-session-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        #expect(SessionFile(directory: directory).write(content))
        let copy = directory + "-copy"
        try FileManager.default.copyItem(atPath: directory, toPath: copy)
        defer { try? FileManager.default.removeItem(atPath: copy) }
        #expect(SessionFile(directory: copy).read() == nil)
        // Another name for the same directory is no copy.
        let moved = directory + "-moved"
        try FileManager.default.moveItem(atPath: directory, toPath: moved)
        defer { try? FileManager.default.removeItem(atPath: moved) }
        #expect(SessionFile(directory: moved).read() == content)
    }

    @Test func anotherMachineHasNoSession() {
        let text = SessionFile.text(content, at: "here/1")
        #expect(SessionFile.parse(text, at: "here/1") == content)
        #expect(SessionFile.parse(text, at: "there/1") == nil)
    }

    @Test(arguments: [
        "", "version=2\nplace=h\nsession=1\npassword=00\nconnect=h",
        "version=1\nplace=h\nsession=x\npassword=00\nconnect=h",
        "version=1\nplace=h\nsession=1\npassword=0\nconnect=h",
        "version=1\nplace=h\nsession=1\npassword=zz\nconnect=h", "version=1\nplace=h\nsession=1\nconnect=h",
        "version=1\nsession=1\npassword=00\nconnect=h", "garbage",
    ])
    func whatIsDamagedIsNotBelieved(text: String) {
        #expect(SessionFile.parse(text, at: "h") == nil)
    }
}
