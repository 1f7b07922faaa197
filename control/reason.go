package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// ReasonText says a reason in words: "312 connections held, connections.per_source allows 100". Of
// the zero Reason it says nothing.
func ReasonText(r policy.Reason) string { return reasonText(r.Rule, r.Measured, r.Threshold) }

// ShortReason says a reason in few words, escaped: "312 of 100, connections.per_source", and the rule alone
// where nothing was measured. Of no rule it says nothing.
func ShortReason(rule string, measured, threshold int) string {
	switch rule {
	case "", policy.RuleByHand, policy.RuleInherited:
		return rule
	}
	return fmt.Sprintf("%s of %s, %s", number(measured), number(threshold), Escape(rule))
}

// reasonText knows the unit of each key a reason can name. Of what it does not know it gives the
// figures alone.
func reasonText(rule string, measured, threshold int) string {
	m, t := number(measured), number(threshold)
	switch {
	case rule == "":
		return ""
	case rule == policy.RuleByHand, rule == policy.RuleInherited:
		return rule
	case rule == ruleCapacity:
		return fmt.Sprintf("%s connections held by those who share the capacity, which leaves them %s", m, t)
	case rule == "rate.new_per_source" || rule == "override.new_per_source":
		return fmt.Sprintf("%s new connections a second, %s allows %s", m, Escape(rule), t)
	case rule == "rate.syn_per_source":
		return fmt.Sprintf("%s SYNs a second, %s allows %s", m, Escape(rule), t)
	case strings.HasPrefix(rule, "connections.") || strings.HasPrefix(rule, "override."):
		return fmt.Sprintf("%s connections held, %s allows %s", m, Escape(rule), t)
	default:
		return fmt.Sprintf("%s: %s measured, %s is normal at most", Escape(rule), m, t)
	}
}
