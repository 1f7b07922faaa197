package control

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// ShortReason says a reason in a column of a table, where ReasonText has no room, escaped: "312 of 100, connections.per_source", and the rule alone
// where nothing was measured. Of no rule it says nothing.
func ShortReason(rule string, measured, threshold int) string {
	switch rule {
	case "", policy.RuleByHand, policy.RuleInherited:
		return rule
	}
	return fmt.Sprintf("%s of %s, %s", Number(measured), Number(threshold), Escape(rule))
}

// ReasonText says a reason in words, escaped: "312 connections held, connections.per_source allows 100". It knows the
// unit of each key a reason can name, and gives the figures alone of what it does not know. Of no rule it says nothing.
func ReasonText(rule string, measured, threshold int) string {
	m, t := Number(measured), Number(threshold)
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
