// Package e2e tests the real program against the real kernel: it builds the ebbgate binary, runs
// it inside the laboratory's victim, floods it, and looks at what the kernel then does to packets,
// connections and rules.
//
// There are tests only. They see the program as its users do: the command line, the policy file,
// signals, the log, the control socket. What the kernel holds is asked of the nft tool, of the
// conntrack table and of the laboratory, which share no code with the program. They touch nothing
// outside namespaces and directories of their own, need root, and skip only where that is refused;
// with CI set in the environment they fail instead.
//
// Times are measured and logged beside the goal. What is asserted of them is generous, since a busy
// machine is no defect of the program.
package e2e
