// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerSettings

struct PropertiesFileTests {
    @Test(arguments: [
        ("a=1", ["a": "1"]),
        ("a = 1 ", ["a": "1 "]),
        ("a:1", ["a": "1"]),
        ("a 1", ["a": "1"]),
        ("  a\t:  1", ["a": "1"]),
        ("a", ["a": ""]),
        ("a=", ["a": ""]),
        ("=b", ["": "b"]),
        ("a==b", ["a": "=b"]),
        ("listeners=PLAINTEXT://:9092", ["listeners": "PLAINTEXT://:9092"]),
        ("# a=1\n! b=2\n\n   \nc=3", ["c": "3"]),
        ("a=1\na=2", ["a": "2"]),
        ("a=1\r\nb=2\rc=3", ["a": "1", "b": "2", "c": "3"]),
        ("a=one, \\\n    two, \\\r\n\tthree", ["a": "one, two, three"]),
        ("a=x\\\\\nb=y", ["a": "x\\", "b": "y"]),
        ("a=x\\", ["a": "x"]),
        ("a=x\\\n# no comment", ["a": "x# no comment"]),
        ("a\\ b\\=c=d", ["a b=c": "d"]),
        ("a=\\t\\n\\r\\f\\z\\\"", ["a": "\t\n\r\u{0C}z\""]),
        ("a=\\u00e9\\uD83D\\uDE00", ["a": "é😀"]),
        ("a=é", ["a": "é"]),
        ("truths = Beauty", ["truths": "Beauty"]),
    ])
    func javaNotationIsRead(text: String, expected: [String: String]) throws {
        #expect(try PropertiesFile.parse(text) == expected)
    }

    @Test func bytesThatAreNotUTF8AreLatin1() throws {
        #expect(try PropertiesFile.parse([0x61, 0x3D, 0xE9] as [UInt8]) == ["a": "é"])
    }

    @Test(arguments: ["a=\\u12", "a=\\u12g4", "a=\\u-123"])
    func aBrokenEscapeIsRefusedWithItsLine(text: String) {
        #expect(throws: SettingsError.malformed("Malformed \\uxxxx encoding in line 2.")) {
            try PropertiesFile.parse("# first\n" + text)
        }
    }
}
