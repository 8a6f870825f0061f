// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing

@Suite struct TopicNameTests {
    @Test(arguments: ["a", "A-z_0.9", "__consumer_offsets", "...", String(repeating: "x", count: 249)])
    func legalNames(name: String) {
        #expect(TopicName.problem(with: name) == nil)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "ä", "a\u{0}", String(repeating: "x", count: 250)])
    func illegalNames(name: String) {
        #expect(TopicName.problem(with: name) != nil)
    }

    @Test func namesThatDifferInDotsAndUnderscoresOnlyCollide() {
        #expect(TopicName.collides("a.b", "a_b"))
        #expect(TopicName.collides("a_b.c", "a.b_c"))
        #expect(!TopicName.collides("a.b", "a.b"))
        #expect(!TopicName.collides("a.b", "a-b"))
        #expect(!TopicName.collides("a.b", "a.bc"))
    }
}
