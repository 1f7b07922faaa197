package policy

// placedService is a service and what is needed to place problems between services.
type placedService struct {
	Service
	path      string
	ranges    []placedRange
	addressed bool // Addresses are all that the file lists
}

// label names the service in messages.
func (s *placedService) label() string {
	if s.Name != "" {
		return quote(s.Name)
	}
	return s.path
}

// services reads all services; mode is the policy's own.
func (p *parser) services(raw []*rawService, mode Mode, observe *Observe) []Service {
	switch {
	case raw == nil && p.at.has("service"):
		return nil
	case len(raw) == 0:
		p.problem("service", "is missing, must be at least one [[service]] with a name and ports")
		return nil
	case len(raw) > MaxServices:
		p.problem(joinIndex("service", MaxServices), "is service %d of %d, must be at most %d", MaxServices+1, len(raw), MaxServices)
		raw = raw[:MaxServices]
	}
	var placed []placedService
	var services []Service
	for i, r := range raw {
		if r == nil {
			continue
		}
		s := p.service(joinIndex("service", i), r, mode, observe)
		placed = append(placed, s)
		services = append(services, s.Service)
	}
	p.duplicateNames(placed)
	p.overlapBetween(placed)
	return services
}

func (p *parser) service(path string, raw *rawService, mode Mode, observe *Observe) placedService {
	s := placedService{path: path}
	s.Name = p.serviceName(path+".name", raw.Name)
	s.Mode = p.mode(path+".mode", raw.Mode, mode)
	s.ranges = p.ports(path+".ports", raw.Ports)
	for _, r := range s.ranges {
		s.Ports = append(s.Ports, r.PortRange)
	}
	s.Addresses, s.addressed = p.addresses(path+".addresses", raw.Addresses)
	p.word(path+".traffic", raw.Traffic, &s.Traffic)
	s.Capacity = p.integer(path+".capacity", raw.Capacity, 0, MinCapacity, MaxCapacity)
	s.Connections = p.connections(path+".connections", &raw.Connections, observe.IPv6Source)
	s.Rate = Rate{
		SYNPerSource: p.rate(path+".rate.syn_per_source", raw.Rate.SYNPerSource, 0, MinSYNPerSource, MaxSYNPerSource),
		NewPerSource: p.rate(path+".rate.new_per_source", raw.Rate.NewPerSource, 0, MinNewPerSource, MaxNewPerSource),
	}
	s.Overrides = p.overrides(path+".override", raw.Override)
	s.Response = p.response(path+".response", &raw.Response, observe.Tick)
	return s
}

// serviceName reads a name that fits into a chain name and a metric label: a letter, then
// letters, digits, underscores and hyphens, all lower case.
func (p *parser) serviceName(path string, raw *string) string {
	if raw == nil {
		if !p.at.has(path) {
			p.problem(path, "is missing, every [[service]] must have a name")
		}
		return ""
	}
	good := len(*raw) >= 1 && len(*raw) <= MaxServiceName
	for i, c := range []byte(*raw) {
		letter := c >= 'a' && c <= 'z'
		good = good && (letter || i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-'))
	}
	if !good {
		p.problem(path, "%s is not a service name, must be a lower-case letter and then up to %d of a-z, 0-9, _ and -",
			quote(*raw), MaxServiceName-1)
		return ""
	}
	return *raw
}
