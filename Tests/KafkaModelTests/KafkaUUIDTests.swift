// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing

@Suite struct KafkaUUIDTests {
    @Test func aKnownIdReadsAndWrites() throws {
        let id = try #require(KafkaUUID("vPeOCWypqUOSepEvx0cbog"))
        #expect(id.high == 0xbcf7_8e09_6ca9_a943)
        #expect(id.low == 0x927a_912f_c747_1ba2)
        #expect(id.description == "vPeOCWypqUOSepEvx0cbog")
    }

    @Test(arguments: ["", "short", "vPeOCWypqUOSepEvx0cbo!", "vPeOCWypqUOSepEvx0cbogg", "vPeOCWypqUOSepEvx0cboh"])
    func whatIsNoIdIsRefused(text: String) {
        #expect(KafkaUUID(text) == nil)
    }

    @Test func randomIdsComeBackFromTheirText() {
        for _ in 0..<1000 {
            let id = KafkaUUID.random()
            #expect(KafkaUUID(id.description) == id)
            #expect(!id.description.hasPrefix("-"))
        }
    }
}
