package policy

import "time"

// What a policy file may hold. Beyond a bound Parse refuses the file.
const (
	MaxFileSize      = 1 << 20 // bytes
	MaxExempt        = 10000   // prefixes
	MaxServices      = 64
	MaxPortRanges    = 64  // for each service
	MaxAddresses     = 64  // for each service
	MaxServiceName   = 32  // bytes
	MaxSocketPath    = 103 // bytes; sun_path of unix(7) takes 107, and the socket is made as PATH.new
	MaxGroupName     = 32  // bytes; groupadd(8)
	MaxSSHGroups     = 64
	MaxPrefixLimits  = 8    // prefix lengths, for each service
	MaxOverrides     = 1000 // prefixes, for each service
	MaxBlockSteps    = 8
	MaxHistoryPath   = 1024 // bytes
	MinTicksPerLease = 5    // a lease must survive a few turns of the loop that came late
)

// Defaults of the keys a policy file leaves out. The mode's is Shadow.
const (
	DefaultTick        = 200 * time.Millisecond
	DefaultCPUBudget   = 50 // thousandths of one core
	DefaultMaxSources  = 100000
	DefaultIPv6Source  = 64    // bits
	DefaultSYNPressure = 50000 // a second
	DefaultMaxBlocks   = 100000
	DefaultCloseExcess = true
	DefaultRefuseWith  = Reset
	DefaultLease       = 30 * time.Second
	DefaultQuiet       = 60 * time.Second
	DefaultBlockAfter  = 10 * time.Second
	DefaultSocket      = "/run/ebbgate/control.sock"
	DefaultViewGroup   = "ebbgate-view"
	DefaultHistoryPath = "/var/lib/ebbgate/history.db"
	DefaultHistoryKeep = 90 * 24 * time.Hour
)

// DefaultSYNRate is the rate, in SYNs a second, at which SYN meters tell a flood of few sources
// from one of many for a service whose policy sets no syn_per_source. It only tells: nothing is
// ever dropped for being above it.
const DefaultSYNRate = 200

// DefaultBlockFor returns how long the first block of a source lasts, the second, and all further
// ones, where the policy does not say.
func DefaultBlockFor() []time.Duration {
	return []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour}
}

// Ranges of the keys of a policy file, inclusive.
const (
	MinTick         = 50 * time.Millisecond
	MaxTick         = 2 * time.Second
	MinCPUBudget    = 1 // thousandths of one core
	MaxCPUBudget    = 1000
	MinMaxSources   = 1000
	MaxMaxSources   = 1000000
	MinIPv6Source   = 32 // bits
	MaxIPv6Source   = 128
	MinSYNPressure  = 1000 // a second; SYN cookies carry fewer without harm
	MaxSYNPressure  = 10000000
	MinMaxBlocks    = 100
	MaxMaxBlocks    = 1000000
	MinCapacity     = 1
	MaxCapacity     = 10000000
	MinPerSource    = 3 // fewer can be forged, and are never evidence (P5)
	MaxPerSource    = 1000000
	MinIPv4Prefix   = 8 // bits
	MaxIPv4Prefix   = 31
	MinIPv6Prefix   = 16       // bits; the longest is one shorter than a source
	MaxPerPrefix    = 10000000 // the least is that of a source
	MinSYNPerSource = 10       // a second; fewer is a client that retries after an outage
	MaxSYNPerSource = 1000000
	MinNewPerSource = 3 // a second; fewer can be forged, and are never evidence (P5)
	MaxNewPerSource = 1000000
	MinLease        = 2 * time.Second
	MaxLease        = 10 * time.Minute
	MinQuiet        = time.Second
	MaxQuiet        = 24 * time.Hour
	MinBlockAfter   = time.Second // besides 0, which is never
	MaxBlockAfter   = time.Hour
	MinBlockFor     = 10 * time.Second
	MaxBlockFor     = 720 * time.Hour
	MinHistoryKeep  = time.Hour
	MaxHistoryKeep  = 3650 * 24 * time.Hour
)
