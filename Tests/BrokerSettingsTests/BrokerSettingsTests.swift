// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerSettings

struct BrokerSettingsTests {
    @Test func everyDefaultIsAllowedByItsOwnRow() throws {
        for setting in BrokerSettings.table + BrokerSettings.dynamicOnly + TopicSettings.table {
            guard let text = setting.defaultValue else { continue }
            #expect(throws: Never.self, "\(setting.name)") { try setting.value(of: text) }
        }
    }

    @Test func everyRowIsNamedOnceAndDocumented() {
        let names = BrokerSettings.table.map(\.name)
        #expect(Set(names).count == names.count)
        for setting in BrokerSettings.table + TopicSettings.table {
            #expect(setting.documentation.hasSuffix("."), "\(setting.name)")
            #expect(setting.documentation.count > 15, "\(setting.name)")
        }
    }

    @Test func everyTopicSettingTakesItsDefaultFromASettingOfTheSameType() {
        for setting in TopicSettings.table {
            guard let name = TopicSettings.brokerSetting(for: setting.name) else { continue }
            #expect(BrokerSettings.setting(named: name)?.kind == setting.kind, "\(setting.name)")
        }
    }

    @Test func aListenersOwnSettingIsGovernedByTheSettingItself() {
        #expect(BrokerSettings.governing("listener.name.external.ssl.keystore.location")?.kind == .string)
        #expect(BrokerSettings.governing("listener.name.x.scram-sha-256.sasl.jaas.config")?.kind == .password)
        #expect(BrokerSettings.governing("listener.name.x.no.such.thing") == nil)
        #expect(BrokerSettings.governing("listener.name.x") == nil)
    }

    @Test(arguments: [
        (0.5, "0.5"), (1.0, "1.0"), (0.0, "0.0"), (1.7976931348623157E308, "1.7976931348623157E308"),
        (1e7, "1.0E7"), (9_999_999.5, "9999999.5"), (0.001, "0.001"), (0.0001, "1.0E-4"),
        (12_345_678.25, "1.234567825E7"),
        (-2.5e-9, "-2.5E-9"), (1e15, "1.0E15"), (1e20, "1.0E20"),
    ])
    func doublesLookAsJavaWritesThem(number: Double, text: String) {
        #expect(number.javaDescription == text)
    }

    @Test func protocolVersionsAreOrderedAndReleasesMeanTheirLast() {
        #expect(ProtocolVersion("2.7") == .v2_7_IV2)
        #expect(ProtocolVersion("2.7.1") == .v2_7_IV2)
        #expect(ProtocolVersion("2.7-IV0") == .v2_7_IV0)
        #expect(ProtocolVersion("0.10.1") == .v0_10_1_IV2)
        #expect(ProtocolVersion("0.10.2.1") == .v0_10_2_IV0)
        #expect(ProtocolVersion("3.9") == .latest)
        #expect(ProtocolVersion("4.9") == nil)
        #expect(ProtocolVersion("") == nil)
        #expect(ProtocolVersion("2.7.") == .v2_7_IV2)
        #expect(ProtocolVersion("0.10.2") ?? .latest < .v2_7_IV0)
        #expect(ProtocolVersion("0.10.2")?.recordMagic == 1)
        #expect(ProtocolVersion.v0_9_0.recordMagic == 0)
        #expect(ProtocolVersion.latest.recordMagic == 2)
    }
}
