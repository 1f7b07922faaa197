package audit

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ebbgate/internal/process"
	"ebbgate/policy"
)

// healthy is a host with nothing to change: nginx, sshd and PostgreSQL, well set up.
func healthy() *Facts {
	nginx := process.Holder{PID: 100, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 50}
	sshd := process.Holder{PID: 200, Name: "sshd", Unit: "ssh.service", FileLimit: 1024, Files: 6}
	return &Facts{
		Kernel: "6.18.0", Window: time.Second, PageSize: 4096,
		Sysctls: map[string][]uint64{
			somaxconn: {4096}, tcpSyncookies: {1}, tcpSynBacklog: {2048}, tcpSynack: {5}, tcpAbort: {0},
			tcpKeepTime: {600}, tcpKeepIntvl: {30}, tcpKeepProbes: {5}, tcpTwBuckets: {131072}, tcpTwReuse: {2},
			tcpTimestamps: {1}, tcpFinTimeout: {60}, localPortRange: {32768, 60999}, unprivPorts: {1024}, tcpMem: {1000, 2000, 3000},
			tcpMaxOrphans: {65536}, fileMax: {1000000}, fileNr: {1000, 0, 1000000}, nrOpen: {1048576},
			conntrackCount: {100}, conntrackMax: {262144}, conntrackBucket: {262144}, conntrackSyn: {30}, conntrackLoose: {1},
		},
		Counters: map[string]uint64{"ListenOverflows": 0, "ListenDrops": 0, "SyncookiesSent": 0, "TCPReqQFullDrop": 0},
		Recent:   map[string]uint64{"ListenOverflows": 0, "SyncookiesSent": 0, "TCPReqQFullDrop": 0},
		Sockets:  map[string]uint64{"tw": 10, "orphan": 1, "mem": 100},
		Listeners: []Listener{
			{Local: netip.MustParseAddrPort("0.0.0.0:22"), Sockets: 1, Backlog: 128, Holders: []process.Holder{sshd}, KeepaliveOn: 9},
			{Local: netip.MustParseAddrPort("0.0.0.0:80"), Sockets: 1, Queue: 3, Backlog: 4096, Holders: []process.Holder{nginx}, KeepaliveOn: 9},
			{Local: netip.MustParseAddrPort("127.0.0.1:9000"), Sockets: 1, Backlog: 5, KeepaliveOff: 50,
				Holders: []process.Holder{{PID: 300, Name: "php-fpm8.2", FileLimit: 1024, Files: 10}}},
		},
		SocketsKnown: true, ChainsKnown: true,
		Chains: []Chain{{"inet", "filter", "input", "input", 0}, {"ip", "raw", "prerouting", "prerouting", -300}, {"arp", "a", "in", "input", -500}},
	}
}

func setSysctl(f *Facts, name string, values ...uint64) { f.Sysctls[name] = values }

func web(capacity int) []policy.Service {
	return []policy.Service{{Name: "web", Ports: []policy.PortRange{{First: 80, Last: 80}}, Capacity: capacity}}
}

// listenOn adds n listeners, step ports apart.
func listenOn(f *Facts, first, n, step int) {
	for i := range n {
		f.Listeners = append(f.Listeners, Listener{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(first+i*step)), Sockets: 1, Backlog: 4096})
	}
}

// every writes those ports.
func every(first, n, step int) string {
	var ports []string
	for i := range n {
		ports = append(ports, strconv.Itoa(first+i*step))
	}
	return strings.Join(ports, ",")
}

func destination3(open, timeWait int, to string) []Destination {
	return []Destination{{From: netip.MustParseAddr("192.0.2.1"), To: netip.MustParseAddrPort(to), Open: open, TimeWait: timeWait}}
}

// troubles are hosts that differ from a healthy one in one thing.
var troubles = []struct {
	name     string
	change   func(f *Facts)
	services []policy.Service
	id       string
	severity Severity
	words    []string // of the finding's text
	sysctls  []Assignment
}{
	{"cookies off", func(f *Facts) { setSysctl(f, tcpSyncookies, 0) }, nil,
		idCookies, Critical, []string{"forged"}, []Assignment{{tcpSyncookies, "1"}}},
	{"cookies always", func(f *Facts) { setSysctl(f, tcpSyncookies, 2) }, nil,
		idCookies, Advice, []string{"for tests"}, []Assignment{{tcpSyncookies, "1"}}},
	{"cookies of a future kernel", func(f *Facts) { setSysctl(f, tcpSyncookies, 3) }, nil,
		idCookies, Unknown, []string{"none of the values"}, nil},
	{"short SYN backlog without cookies", func(f *Facts) { setSysctl(f, tcpSyncookies, 0) }, nil,
		idSynBacklog, Advice, []string{"1536 half-open", "SYN cookies instead"}, nil},
	{"cookies are sent", func(f *Facts) { f.Recent["SyncookiesSent"] = 500; f.Window = 2 * time.Second }, nil,
		idSynFlood, Warning, []string{"250/s sent now"}, nil},
	{"SYNs are dropped", func(f *Facts) { f.Recent["TCPReqQFullDrop"] = 500 }, nil,
		idSynFlood, Critical, []string{"500/s SYNs dropped"}, nil},
	{"many SYN-ACKs", func(f *Facts) { setSysctl(f, tcpSynack, 7) }, nil,
		idSynackRetries, Advice, []string{"247 s"}, []Assignment{{tcpSynack, "5"}}},
	{"no second SYN-ACK", func(f *Facts) { setSysctl(f, tcpSynack, 0) }, nil,
		idSynackRetries, Advice, []string{"lossy"}, []Assignment{{tcpSynack, "3"}}},
	{"old somaxconn", func(f *Facts) { setSysctl(f, somaxconn, 128) }, nil,
		idSomaxconn, Warning, []string{"cut"}, []Assignment{{somaxconn, "4096"}}},
	{"somaxconn below the policy's capacity", func(*Facts) {}, web(20000),
		idSomaxconn, Advice, nil, []Assignment{{somaxconn, "20000"}}},
	{"nginx's default backlog", func(f *Facts) { f.Listeners[1].Backlog = 511 }, nil,
		idBacklog, Advice, []string{"0.0.0.0:80 (nginx)", "backlog 511", "backlog= of listen", "a sysctl alone does not raise it", "Send-Q 4096"}, nil},
	{"a backlog that somaxconn cut", func(f *Facts) { f.Listeners[1].Backlog = 512; setSysctl(f, somaxconn, 512) }, nil,
		idBacklog, Advice, []string{"net.core.somaxconn first, which cuts it to 512; then"}, nil},
	{"a tiny backlog of nobody known", func(f *Facts) { f.Listeners[1].Backlog = 5; f.Listeners[1].Holders = nil }, nil,
		idBacklog, Warning, []string{"listen(2) in the program that listens there"}, nil},
	{"a backlog of a program not known", func(f *Facts) { f.Listeners[1].Backlog = 5; f.Listeners[1].Holders[0].Name = "thing" }, nil,
		idBacklog, Warning, []string{"listen(2) in thing"}, nil},
	{"a backlog of a socket unit", func(f *Facts) {
		f.Listeners[1].Backlog = 5
		f.Listeners[1].Holders = append([]process.Holder{{PID: 1, Name: "systemd"}}, f.Listeners[1].Holders...)
	}, nil,
		idBacklog, Warning, []string{"(nginx)", ".socket unit"}, nil},
	{"a loopback listener of the policy", func(*Facts) {}, []policy.Service{{Name: "php", Ports: []policy.PortRange{{First: 9000, Last: 9000}}}},
		idBacklog, Warning, []string{"(php-fpm8.2)", "listen.backlog of the pool"}, nil},
	{"half-full accept queue", func(f *Facts) { f.Listeners[1].Queue = 2048 }, nil,
		idQueue, Warning, []string{"2048 waiting, backlog 4096"}, nil},
	{"full accept queue", func(f *Facts) { f.Listeners[1].Queue = 4097 }, nil,
		idQueue, Critical, []string{"nginx"}, nil},
	{"overflowing now", func(f *Facts) { f.Recent["ListenOverflows"] = 30; f.Listeners[1].Queue = 4097 }, nil,
		idOverflow, Critical, []string{"30/s; 30 so far", "It is 0.0.0.0:80 (nginx)"}, nil},
	{"overflowed once", func(f *Facts) { f.Counters["ListenOverflows"] = 7 }, nil,
		idOverflow, Advice, []string{"7 overflows so far, none now"}, nil},
	{"aborting", func(f *Facts) { setSysctl(f, tcpAbort, 1) }, nil,
		idAbort, Warning, []string{"resets clients"}, []Assignment{{tcpAbort, "0"}}},
	{"low limit of files", func(f *Facts) { f.Listeners[1].Holders[0].FileLimit = 1024 }, nil,
		idFileLimit, Advice, []string{"nginx (pid 100)", "worker_rlimit_nofile", "systemctl edit nginx.service"}, nil},
	{"files nearly gone", func(f *Facts) { f.Listeners[1].Holders[0].Files = 60000 }, nil,
		idFileLimit, Warning, []string{"60000 of 65536", "advised 131072"}, nil},
	{"files gone, of one worker of two", func(f *Facts) {
		w := f.Listeners[1].Holders[0]
		w.PID, w.Files = 101, 65530
		f.Listeners[1].Holders = append(f.Listeners[1].Holders, w)
	}, nil,
		idFileLimit, Critical, []string{"pid 101 and 1 more", "EMFILE"}, nil},
	{"a limit no process may have", func(f *Facts) { f.Listeners[1].Holders[0].Files = 60000; setSysctl(f, nrOpen, 70000) }, nil,
		idFileLimit, Warning, []string{"advised 70000", "fs.nr_open allows no more than 70000"}, nil},
	{"limit below the policy's capacity", func(*Facts) {}, web(70000),
		idFileLimit, Warning, []string{`service "web" holds 70000`, "70256 descriptors each"}, nil},
	{"host's files nearly gone", func(f *Facts) { setSysctl(f, fileNr, 850000, 0, 1000000) }, nil,
		idFileMax, Warning, nil, []Assignment{{fileMax, "2000000"}}},
	{"host's files gone", func(f *Facts) { setSysctl(f, fileNr, 960000, 0, 1000000) }, nil,
		idFileMax, Critical, []string{"ENFILE"}, []Assignment{{fileMax, "2000000"}}},
	{"host's files below the policy's capacity", func(f *Facts) { setSysctl(f, fileMax, 60000) }, web(60000),
		idFileMax, Warning, []string{"60000 connections"}, []Assignment{{fileMax, "120000"}}},
	{"keepalive of two hours", func(f *Facts) {
		setSysctl(f, tcpKeepTime, 7200)
		setSysctl(f, tcpKeepIntvl, 75)
		setSysctl(f, tcpKeepProbes, 9)
	}, nil,
		idKeepaliveTime, Advice, []string{"131.25 min"}, []Assignment{{tcpKeepTime, "600"}, {tcpKeepIntvl, "30"}, {tcpKeepProbes, "5"}}},
	{"impatient keepalive", func(f *Facts) { setSysctl(f, tcpKeepTime, 10); setSysctl(f, tcpKeepIntvl, 5) }, nil,
		idKeepaliveTime, Advice, []string{"broken line"}, []Assignment{{tcpKeepTime, "600"}, {tcpKeepIntvl, "30"}, {tcpKeepProbes, "5"}}},
	{"nonsense keepalive", func(f *Facts) { setSysctl(f, tcpKeepTime, 1<<63) }, nil,
		idKeepaliveTime, Advice, []string{"min"}, []Assignment{{tcpKeepTime, "600"}, {tcpKeepIntvl, "30"}, {tcpKeepProbes, "5"}}},
	{"sockets without keepalive", func(f *Facts) { f.Listeners[1].KeepaliveOff = 100 }, nil,
		idKeepalive, Advice, []string{"9 of 109", "so_keepalive=on"}, nil},
	{"sockets of nobody known without keepalive", func(f *Facts) { f.Listeners[1].KeepaliveOff = 100; f.Listeners[1].Holders = nil }, nil,
		idKeepalive, Advice, []string{"SO_KEEPALIVE"}, nil},
	{"much TIME_WAIT", func(f *Facts) { f.Sockets["tw"] = 110000 }, nil,
		idTimeWait, Warning, []string{"110000 of 131072"}, []Assignment{{tcpTwBuckets, "262144"}}},
	{"TIME_WAIT overflows", func(f *Facts) { f.Recent["TCPTimeWaitOverflow"] = 1 }, nil,
		idTimeWait, Warning, []string{"overflowing now"}, []Assignment{{tcpTwBuckets, "262144"}}},
	{"little room for TIME_WAIT", func(f *Facts) { setSysctl(f, tcpTwBuckets, 5000) }, nil,
		idTimeWait, Advice, nil, []Assignment{{tcpTwBuckets, "262144"}}},
	{"ports half gone", func(f *Facts) { f.Destinations = destination3(15000, 100, "198.51.100.7:443") }, nil,
		idLocalPorts, Warning, []string{"192.0.2.1 to 198.51.100.7:443", "15100 of 28232"}, []Assignment{{localPortRange, "10240 65535"}}},
	{"ports gone", func(f *Facts) { f.Destinations = destination3(28000, 0, "198.51.100.7:443") }, nil,
		idLocalPorts, Critical, []string{"EADDRNOTAVAIL"}, []Assignment{{localPortRange, "10240 65535"}}},
	{"ports half gone, a listener in the advised range", func(f *Facts) {
		f.Destinations = destination3(15000, 100, "198.51.100.7:443")
		f.Listeners[1].Local = netip.MustParseAddrPort("0.0.0.0:15000")
		f.Reserved = []policy.PortRange{{First: 20000, Last: 20010}}
	}, nil,
		idLocalPorts, Warning, nil, []Assignment{{localPortRange, "10240 65535"}, {reservedPorts, "15000,20000-20010"}}},
	{"ports half gone of all there are", func(f *Facts) {
		f.Destinations = destination3(40000, 100, "198.51.100.7:443")
		setSysctl(f, localPortRange, 1024, 65535)
	}, nil,
		idLocalPorts, Warning, []string{"fewer new connections", "a pool"}, nil},
	{"few ports", func(f *Facts) { setSysctl(f, localPortRange, 60000, 61000) }, nil,
		idLocalPorts, Advice, []string{"Only 1001 outgoing"}, []Assignment{{localPortRange, "10240 65535"}}},
	{"few ports above the privileged ones", func(f *Facts) {
		setSysctl(f, localPortRange, 40000, 41000)
		setSysctl(f, unprivPorts, 30001)
	}, nil,
		idLocalPorts, Advice, []string{"Only 1001 outgoing"}, []Assignment{{localPortRange, "30002 65535"}}},
	{"few ports, and all others privileged", func(f *Facts) {
		setSysctl(f, localPortRange, 60000, 65535)
		setSysctl(f, unprivPorts, 60000)
	}, nil,
		idLocalPorts, Advice, []string{"Only 5536 outgoing", "no wider range", "fewer new connections"}, nil},
	{"ports half gone, the others privileged", func(f *Facts) {
		f.Destinations = destination3(15000, 100, "198.51.100.7:443")
		setSysctl(f, localPortRange, 40000, 65535)
		setSysctl(f, unprivPorts, 40000)
	}, nil,
		idLocalPorts, Warning, []string{"15100 of 25536", "fewer new connections"}, nil},
	{"few ports, loopback listeners in the advised range", func(f *Facts) {
		setSysctl(f, localPortRange, 60000, 61000)
		f.Listeners[1].Local = netip.MustParseAddrPort("[::1]:15001")
		f.Listeners[2].Local = netip.MustParseAddrPort("127.0.0.1:15000")
	}, nil,
		idLocalPorts, Advice, nil, []Assignment{{localPortRange, "10240 65535"}, {reservedPorts, "15000-15001"}}},
	{"many listeners in the range", func(f *Facts) { listenOn(f, 40000, 100, 1); listenOn(f, 50000, 100, 2) }, nil,
		idReserved, Advice, []string{"ports 40000-40099,50000,50002,", ",... ("}, []Assignment{{reservedPorts, "40000-40099," + every(50000, 100, 2)}}},
	{"ports in TIME_WAIT", func(f *Facts) { f.Destinations = destination3(100, 20000, "198.51.100.7:443") }, nil,
		idTwReuse, Warning, []string{"nothing for connections that come in"}, []Assignment{{tcpTwReuse, "1"}}},
	{"a listener in the range", func(f *Facts) { f.Listeners[1].Local = netip.MustParseAddrPort("0.0.0.0:40000") }, nil,
		idReserved, Advice, []string{"port 40000"}, []Assignment{{reservedPorts, "40000"}}},
	{"long FIN time-out", func(f *Facts) { setSysctl(f, tcpFinTimeout, 300) }, nil,
		idFinTimeout, Advice, []string{"300 s"}, []Assignment{{tcpFinTimeout, "60"}}},
	{"no timestamps", func(f *Facts) { setSysctl(f, tcpTimestamps, 0) }, nil,
		idTimestamps, Advice, []string{"window scaling"}, []Assignment{{tcpTimestamps, "1"}}},
	{"memory pressure", func(f *Facts) { f.Sockets["mem"] = 2000 }, nil,
		idMemory, Warning, []string{"8 MiB in use"}, nil},
	{"no memory", func(f *Facts) { f.Sockets["mem"] = 3000 }, nil,
		idMemory, Critical, []string{"12 MiB"}, nil},
	{"aborts on memory", func(f *Facts) { f.Recent["TCPAbortOnMemory"] = 2 }, nil,
		idMemory, Warning, []string{"orphans"}, nil},
	{"many orphans", func(f *Facts) { f.Sockets["orphan"] = 20000 }, nil,
		idOrphans, Warning, []string{"20000 of 65536"}, nil},
	{"too many orphans", func(f *Facts) { f.Sockets["orphan"] = 65536 }, nil,
		idOrphans, Critical, []string{"lose the end"}, nil},
	{"conntrack filling", func(f *Facts) { setSysctl(f, conntrackCount, 220000) }, nil,
		idTrackFill, Warning, []string{"220000 of 262144"}, []Assignment{{conntrackMax, "524288"}, {conntrackBucket, "524288"}}},
	{"conntrack full", func(f *Facts) { setSysctl(f, conntrackCount, 262144) }, nil,
		idTrackFill, Critical, []string{"drops every new connection"}, []Assignment{{conntrackMax, "524288"}, {conntrackBucket, "524288"}}},
	{"few buckets", func(f *Facts) { setSysctl(f, conntrackBucket, 16384) }, nil,
		idTrackBuckets, Advice, []string{"chains of 16"}, []Assignment{{conntrackBucket, "262144"}}},
	{"conntrack filling in a namespace", func(f *Facts) { setSysctl(f, conntrackCount, 220000); delete(f.Sysctls, tcpMem) }, nil,
		idTrackFill, Warning, []string{"220000 of 262144", "524288", "set it on the host"}, nil},
	{"few buckets in a namespace", func(f *Facts) { setSysctl(f, conntrackBucket, 16384); delete(f.Sysctls, tcpMem) }, nil,
		idTrackBuckets, Advice, []string{"262144", "set it on the host"}, nil},
	{"long SYN_RECV", func(f *Facts) { setSysctl(f, conntrackSyn, 60) }, nil,
		idTrackSynRecv, Advice, []string{"4369 forged SYNs a second", "counts from the first SYN-ACK"}, []Assignment{{conntrackSyn, "32"}}},
	{"loose with SYNPROXY", func(f *Facts) { f.SynProxied = 12 }, nil,
		idTrackLoose, Warning, []string{"has taken 12 SYNs", "by hand"}, nil},
	{"early prerouting", func(f *Facts) { f.Chains = []Chain{{"ip", "early", "pre", "prerouting", -400}} }, nil,
		idHooks, Advice, []string{"table ip early, chain pre", "hooks prerouting at priority -400"}, nil},
	{"early input", func(f *Facts) { f.Chains = []Chain{{"inet", "mangle", "in", "input", -150}} }, nil,
		idHooks, Advice, []string{"input at priority -150"}, nil},
	{"ingress", func(f *Facts) { f.Chains = []Chain{{"netdev", "n", "in", "ingress", 0}} }, nil,
		idHooks, Advice, []string{"ingress"}, nil},
	{"something hidden", func(f *Facts) { f.unread("nf_tables chains", "CAP_NET_ADMIN is needed"); f.ChainsKnown = false }, nil,
		idUnread, Unknown, []string{"CAP_NET_ADMIN is needed. What depends on it was not checked."}, nil},
	{"tw_recycle in a file", believes(tcpTwRecycle, "1"), nil,
		idLoreRecycle, Advice, []string{"/etc/sysctl.d/9.conf:3", "gone since Linux 4.12", "remove the line"}, nil},
	{"tw_reuse in a file", believes(tcpTwReuse, "1"), nil,
		idLoreReuse, Advice, []string{"helps clients only"}, nil},
	{"low tw_buckets in a file", believes(tcpTwBuckets, "5000"), nil,
		idLoreBuckets, Advice, []string{"does not shorten TIME_WAIT"}, nil},
	{"low fin_timeout in a file", believes(tcpFinTimeout, "15"), nil,
		idLoreFin, Advice, []string{"does not shorten TIME_WAIT"}, nil},
	{"keepalive in a file, sockets without", func(f *Facts) { believes(tcpKeepTime, "300")(f); f.Listeners[1].KeepaliveOff = 3 }, nil,
		idLoreKeepalive, Advice, []string{"does nothing for sockets that do not ask", "3 of the 21"}, nil},
	{"somaxconn in a file, backlog low", func(f *Facts) { believes(somaxconn, "65535")(f); f.Listeners[1].Backlog = 511 }, nil,
		idLoreSomaxconn, Advice, []string{"does not raise a backlog the program fixed: 0.0.0.0:80 (nginx)"}, nil},
	{"SYN backlog in a file, cookies on", believes(tcpSynBacklog, "65536"), nil,
		idLoreSynBacklog, Advice, []string{"limits nothing"}, nil},
}

// believes puts a line in a sysctl.d file.
func believes(name, value string) func(f *Facts) {
	return func(f *Facts) {
		f.Settings = append(f.Settings, Setting{File: "/etc/sysctl.d/9.conf", Line: 3, Name: name, Value: value})
	}
}

// untroubled are hosts that differ from a healthy one and are fine all the same.
var untroubled = []struct {
	name     string
	change   func(f *Facts)
	services []policy.Service
	id       string
}{
	{"sshd's own backlog", func(f *Facts) { setSysctl(f, somaxconn, 4096) }, nil, idBacklog},
	{"PostgreSQL's backlog follows max_connections", func(f *Facts) {
		f.Listeners[1].Backlog, f.Listeners[1].Holders[0].Name = 200, "postgres"
	}, nil, idBacklog},
	{"one connection waits for a slow loop", func(f *Facts) { f.Listeners[1].Queue = 1 }, nil, idQueue},
	{"a policy within limits", func(*Facts) {}, web(4000), idFileLimit},
	{"no limit of files", func(f *Facts) { f.Listeners[1].Holders[0].FileLimit = process.Unlimited }, web(1000000 / 2), idFileLimit},
	{"a limit nobody may read", func(f *Facts) { f.Listeners[1].Holders[0].FileLimit = 0 }, web(4000), idFileLimit},
	{"descriptors nobody may count", func(f *Facts) { f.Listeners[1].Holders[0].Files = -1 }, nil, idFileLimit},
	{"too few connections to judge", func(f *Facts) { f.Listeners[1].KeepaliveOn, f.Listeners[1].KeepaliveOff = 0, 4 }, nil, idKeepalive},
	{"TIME_WAIT to this host itself is reused", func(f *Facts) { f.Destinations = destination3(0, 20000, "127.0.0.1:80") }, nil, idTwReuse},
	{"TIME_WAIT is reused already", func(f *Facts) {
		f.Destinations = destination3(0, 20000, "198.51.100.7:80")
		setSysctl(f, tcpTwReuse, 1)
	}, nil, idTwReuse},
	{"reuse would do nothing without timestamps", func(f *Facts) {
		f.Destinations = destination3(0, 20000, "198.51.100.7:80")
		setSysctl(f, tcpTimestamps, 0)
	}, nil, idTwReuse},
	{"a listener in the range is reserved", func(f *Facts) {
		f.Listeners[1].Local = netip.MustParseAddrPort("0.0.0.0:40000")
		f.Reserved = []policy.PortRange{{First: 39999, Last: 40001}}
	}, nil, idReserved},
	{"a loopback listener in the range", func(f *Facts) { f.Listeners[2].Local = netip.MustParseAddrPort("127.0.0.1:40000") }, nil, idReserved},
	{"conntrack is loaded and idle", func(f *Facts) {
		setSysctl(f, conntrackCount, 0)
		setSysctl(f, conntrackSyn, 60)
		setSysctl(f, conntrackBucket, 1)
	}, nil, idTrackSynRecv},
	{"conntrack is not there", func(f *Facts) {
		for _, name := range []string{conntrackCount, conntrackMax, conntrackBucket, conntrackSyn, conntrackLoose} {
			delete(f.Sysctls, name)
		}
	}, nil, idTrackFill},
	{"SYNPROXY as it should be", func(f *Facts) { f.SynProxied = 5; setSysctl(f, conntrackLoose, 0) }, nil, idTrackLoose},
	{"bridge and ARP are not our path", func(f *Facts) { f.Chains = []Chain{{"bridge", "b", "pre", "prerouting", -400}} }, nil, idHooks},
	{"later chains", func(f *Facts) {
		f.Chains = []Chain{{"inet", "x", "pre", "prerouting", -310}, {"inet", "x", "fwd", "forward", -400}}
	}, nil, idHooks},
	{"tw_reuse as the kernel has it", believes(tcpTwReuse, "2"), nil, idLoreReuse},
	{"room for TIME_WAIT", believes(tcpTwBuckets, "400000"), nil, idLoreBuckets},
	{"fin_timeout as the kernel has it", believes(tcpFinTimeout, "60"), nil, idLoreFin},
	{"keepalive in a file and in the sockets", believes(tcpKeepTime, "300"), nil, idLoreKeepalive},
	{"somaxconn in a file and in the backlogs", believes(somaxconn, "4096"), nil, idLoreSomaxconn},
	{"SYN backlog in a file, where it counts", func(f *Facts) { believes(tcpSynBacklog, "65536")(f); setSysctl(f, tcpSyncookies, 0) }, nil, idLoreSynBacklog},
	{"a setting that is no number", believes(tcpTwRecycle, "on"), nil, idLoreRecycle},
}
