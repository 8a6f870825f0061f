// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ZooKeeperClient

@Suite struct ZooKeeperConfigurationTests {
    @Test func connectStringsAreReadAsKafkaReadsThem() throws {
        let plain = try ZooKeeperConnectString("a:1, b,[::1]:3/kafka/x")
        #expect(plain.servers == "a:1,b:2181,[::1]:3")
        #expect(plain.chroot == "/kafka/x")
        #expect(try ZooKeeperConnectString("a:1/").chroot == "")
        for bad in ["", "a:", "a:0", "a:99999", ":1", "a:1,,b:2", "a:1/x//y", "a:1/x/"] {
            #expect(throws: ZooKeeperError.self, "\(bad)") { try ZooKeeperConnectString(bad) }
        }
    }

    @Test func everyCodeHasOneError() {
        for code in Int32(-130)...(-1) { #expect(ZooKeeperError(code: code)?.code == code) }
        #expect(ZooKeeperError(code: 0) == nil)
    }

    @Test func anExpiredSessionIsReplacedOnceTheOneAboveIsReady() {
        var machine = ClientMachine()
        let identity = ZooKeeperSessionIdentity(id: 1, password: [])
        #expect(machine.start() == [.openSession])
        #expect(machine.admission == .wait)
        #expect(machine.connected(identity) == [.emit(.connected(identity)), .finishStart(nil), .releaseWaiting])
        #expect(machine.disconnected() == [.emit(.disconnected)])
        #expect(machine.admission == .wait)
        #expect(
            machine.expired() == [.emit(.expired), .failWaiting(.sessionExpired), .discardSession, .prepare])
        #expect(machine.admission == .refuse(.sessionExpired))
        #expect(machine.prepared() == [.openSession])
        #expect(machine.admission == .wait)
        #expect(machine.openingFailed(.authFailed).last == .startRetryTimer(milliseconds: 1000))
        #expect(machine.retryTimerFired() == [.openSession])
        #expect(machine.connected(identity) == [.emit(.sessionReplaced(identity)), .releaseWaiting])
        #expect(machine.admission == .send)
        #expect(machine.closed() == [.discardSession, .failWaiting(.closing), .emit(.closed)])
        #expect(machine.closed() == [])
    }

    @Test func aWindowBoundsAndKeepsOrder() {
        var window = RequestWindow<Int>(limit: 2)
        for number in 1...4 { window.enqueue(number) }
        #expect(window.next() == 1)
        #expect(window.next() == 2)
        #expect(window.next() == nil)
        window.finished()
        #expect(window.next() == 3)
        #expect(window.drain() == [4])
    }
}
