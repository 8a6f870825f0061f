# SPDX-License-Identifier: Apache-2.0
#
# make quickstart   three brokers to play with, from nothing but Debian 12 and Swift, and one of them killed under load;
#                   ZOOKEEPER=host:port/chroot joins that ensemble
# make quickstop    stop it
# make build        everything, for debugging
# make release      the program as it is deployed, Swift's library inside: .build/release/martlet
# make run          that program, in the foreground, with config/server.properties
# make test         unit and golden tests, then real brokers with real ZooKeeper and real clients
# make golden       only what compares with recordings of Apache Kafka; MARTLET_GOLDEN=directory names other recordings
# make integration  only real brokers with real clients
# make storm        faults by chance on a cluster of real brokers under load; MARTLET_STORM=seconds, MARTLET_STORM_SEED=n
# make soak         the same work again and again on a cluster of real brokers, for MARTLET_SOAK=seconds: nothing may grow
# make simulate     whole clusters of state machines, then coordinators, under seeded chance; SECONDS=n, MARTLET_SEED=n
#                   repeats one cluster
# make fuzz         millions of damaged inputs for every decoder; FUZZ_ITERATIONS=n, FUZZ_SEED=n
# make bench        throughput, latency and CPU seconds beside a floor program
# make check        what gates a merge: format, generated sources in step, no warnings, imports as declared
# make lint         only the format, and that the simulation's mutations still apply to the sources
# make format       put every source into that format
# make generate     write the generated sources
# make install      program, command links, configuration, unit and its account; PREFIX=/usr/local, DESTDIR=
# make deb          a Debian package in .build
# make package-test that package in a bare Debian 12 without Swift, made by debootstrap; needs root and the network
# make clean        remove what was built
# make help         this list

SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_ITERATIONS ?= 1000000
FUZZ_SEED ?= 1
SECONDS ?= 60

# Our own warnings are errors in every build of ours, so that all rules share one build.
export MARTLET_STRICT := 1

SWIFT_BUILD := swift build --explicit-target-dependency-import-check error
SWIFT_TEST := swift test --explicit-target-dependency-import-check error --skip-build
DEBUG := .build/debug/martlet
RELEASE := .build/release/martlet

.PHONY: help quickstart quickstop build release run test golden integration storm soak simulate fuzz bench check lint format \
	generate generated install deb package-test clean dependencies test-build

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

quickstart:
	@deploy/quickstart.sh

quickstop:
	@deploy/quickstop.sh

dependencies:
	@deploy/install-dependencies.sh build

build: dependencies
	$(SWIFT_BUILD)

release: dependencies
	swift build --configuration release --static-swift-stdlib --product martlet

run: release
	$(RELEASE) broker config/server.properties

test-build: dependencies
	$(SWIFT_BUILD) --build-tests

test: test-build
	@Tests/run-tests.sh unit clients clusters

golden: test-build
	$(SWIFT_TEST) --filter Golden

integration: test-build
	@Tests/run-tests.sh clients clusters

storm: test-build
	@MARTLET_STORM=$${MARTLET_STORM:-600} python3 -u -W ignore Tests/ClusterTests/run.py test_storm

soak: test-build
	@MARTLET_SOAK=$${MARTLET_SOAK:-3600} python3 -u -W ignore Tests/ClusterTests/run.py test_soak

simulate: dependencies
	for product in Simulate simulate-coordinators; do swift build --configuration release --product $$product || exit 1; done
	.build/release/Simulate --seconds $(SECONDS)
	for world in groups transactions together; do .build/release/simulate-coordinators $$world 1 200 || exit 1; done

fuzz: dependencies
	swift build --configuration release --product Fuzz
	@for target in $$(.build/release/Fuzz 2>&1 | sed -n 's/^usage: Fuzz \(.*\) \[--iter.*/\1/p' | tr -d '|'); do \
		.build/release/Fuzz $$target --iterations $(FUZZ_ITERATIONS) --seed $(FUZZ_SEED) || exit 1; done

bench: dependencies
	deploy/install-dependencies.sh zookeeper
	for product in martlet floor loadgen hop storage instructions failover; do \
		swift build --configuration release --static-swift-stdlib --product $$product || exit 1; done
	Tests/Benchmarks/run.sh
	.build/release/failover
	MARTLET=$(RELEASE) python3 Tests/Benchmarks/replication.py
	MARTLET=$(RELEASE) python3 Tests/Benchmarks/failover.py
	MARTLET=$(RELEASE) python3 Tests/Benchmarks/scale.py
	MARTLET=$(RELEASE) python3 Tests/Benchmarks/coordinators.py

check: lint generated test-build

lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
	@for fault in Tests/SimulationTests/mutations/*.patch; do git -c safe.directory='*' apply --check $$fault || exit 1; done

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests

generated: dependencies
	swift run --explicit-target-dependency-import-check error ProtocolGenerator --check

generate: dependencies
	swift run --explicit-target-dependency-import-check error ProtocolGenerator
	$(SWIFT_BUILD) --build-tests
	MARTLET_GENERATE=1 $(SWIFT_TEST) --filter SampleFileTests

install:
	@test -x $(RELEASE) || { echo "$(RELEASE) is not there: run make release first" >&2; exit 1; }
	@deploy/install.sh "$(DESTDIR)" "$(PREFIX)"

deb: release
	@deploy/build-deb.sh

package-test: deb
	@deploy/install-dependencies.sh zookeeper
	@Tests/PackageTests/run.sh

clean:
	swift package clean
	rm -rf .build/venv .build/test-results .build/deb
