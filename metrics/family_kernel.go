package metrics

import "ebbgate/control"

// kernelFamilies tell of the TCP stack of the daemon's network namespace. Its counters begin with it.
func kernelFamilies() []family {
	tracks := func(s *control.Status) bool { return s.Kernel.ConntrackMax > 0 }
	return []family{
		gauge("kernel_connections", "Connections of the whole host, in ESTABLISHED or CLOSE_WAIT, of either direction.",
			func(s *control.Status) float64 { return float64(s.Kernel.CurrEstab) }),
		gauge("kernel_syn_cookies", "The setting net.ipv4.tcp_syncookies: 0 off, 1 when a queue is full, 2 always. Absent: not known.",
			func(s *control.Status) float64 { return float64(s.Kernel.SynCookies) }).only(func(s *control.Status) bool { return s.Kernel.SynCookies >= 0 }),
		gauge("kernel_syn_cookies_missing", "1 while a SYN flood is on and SYN cookies are off.",
			func(s *control.Status) float64 { return truth(s.Kernel.CookiesMissing) }),
		counter("kernel_syn_cookies_sent_total", "SYN cookies sent.",
			func(s *control.Status) uint64 { return s.Kernel.CookiesSent }),
		counter("kernel_syn_cookies_valid_total", "SYN cookies that came back valid.",
			func(s *control.Status) uint64 { return s.Kernel.CookiesValid }),
		counter("kernel_syn_cookies_failed_total", "SYN cookies that came back and were not valid.",
			func(s *control.Status) uint64 { return s.Kernel.CookiesFailed }),
		counter("kernel_syn_drops_total", "SYNs dropped at a full SYN queue, for want of SYN cookies.",
			func(s *control.Status) uint64 { return s.Kernel.SYNDrops }),
		counter("kernel_accepted_connections_total", "Connections opened by others, of all listeners.",
			func(s *control.Status) uint64 { return s.Kernel.Opens }),
		counter("kernel_listen_overflows_total", "Connections that found the accept queue full, of all listeners.",
			func(s *control.Status) uint64 { return s.Kernel.ListenOverflows }),
		counter("kernel_listen_drops_total", "SYNs and ACKs that listeners dropped, for any reason.",
			func(s *control.Status) uint64 { return s.Kernel.ListenDrops }),
		gauge("kernel_conntrack_entries", "Entries of the conntrack table. Absent: this kernel has none.",
			func(s *control.Status) float64 { return float64(s.Kernel.ConntrackCount) }).only(tracks),
		gauge("kernel_conntrack_limit_entries", "Entries the conntrack table takes. Absent: this kernel has none.",
			func(s *control.Status) float64 { return float64(s.Kernel.ConntrackMax) }).only(tracks),
	}
}
