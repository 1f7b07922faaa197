package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestParseBadSSHGroups(t *testing.T) {
	bad := ` is not a group name, must be a letter or _ and then up to 31 of letters, digits, _, - and .`
	long := strings.Repeat("g", MaxGroupName+1)
	runBad(t, []badCase{
		{"each kind", "[exempt]\nssh_groups = [\n\"sudo\",\n\"\",\n\"domain users\",\n\"0\",\n\"-a\",\n\"a:b\",\n\"" + long + "\",\n7,\n[\"x\"],\n]\n" + web, []string{
			`4: exempt.ssh_groups[1]: ""` + bad,
			`5: exempt.ssh_groups[2]: "domain users"` + bad,
			`6: exempt.ssh_groups[3]: "0"` + bad,
			`7: exempt.ssh_groups[4]: "-a"` + bad,
			`8: exempt.ssh_groups[5]: "a:b"` + bad,
			`9: exempt.ssh_groups[6]: "` + long + `"` + bad,
			`10: exempt.ssh_groups[7]: is the integer 7, must be the name of a group in quotes, such as "sudo"`,
			`11: exempt.ssh_groups[8]: is an array, must be the name of a group in quotes, such as "sudo"`,
		}},
		{"no list", "exempt.ssh_groups = \"sudo\"\n" + web,
			[]string{`1: exempt.ssh_groups: is the string "sudo", must be an array in square brackets`}},
		{"too many", "exempt.ssh_groups = [" + strings.Repeat(`"g",`, MaxSSHGroups+1) + "]\n" + web,
			[]string{"1: exempt.ssh_groups: has 65 entries, must be at most 64"}},
	})
}

func TestSSHGroupsAreSortedAndUnique(t *testing.T) {
	p := mustParse(t, "exempt.ssh_groups = [\"wheel\", \"adm\", \"wheel\", \"root\", \"Adm\"]\n"+web)
	if want := []string{"Adm", "adm", "root", "wheel"}; !slices.Equal(p.Exempt.SSHGroups, want) {
		t.Errorf("groups are %q, want %q", p.Exempt.SSHGroups, want)
	}
}
