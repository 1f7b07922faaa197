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
	MinTicksPerLease = 5   // a lease must survive a few turns of the loop that came late
)

// Defaults of the keys a policy file leaves out. The mode's is Shadow.
const (
	DefaultTick        = 200 * time.Millisecond
	DefaultCPUBudget   = 50 // thousandths of one core
	DefaultMaxSources  = 100000
	DefaultIPv6Source  = 64 // bits
	DefaultCloseExcess = true
	DefaultRefuseWith  = Reset
	DefaultLease       = 30 * time.Second
	DefaultQuiet       = 60 * time.Second
	DefaultSocket      = "/run/ebbgate/control.sock"
	DefaultViewGroup   = "ebbgate-view"
)

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
	MinCapacity     = 1
	MaxCapacity     = 10000000
	MinPerSource    = 3 // fewer can be forged, and are never evidence (P5)
	MaxPerSource    = 1000000
	MinSYNPerSource = 10 // a second; fewer is a client that retries after an outage
	MaxSYNPerSource = 1000000
	MinLease        = 2 * time.Second
	MaxLease        = 10 * time.Minute
	MinQuiet        = time.Second
	MaxQuiet        = 24 * time.Hour
)
