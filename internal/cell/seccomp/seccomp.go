// Package seccomp writes filters of system calls (seccomp(2)) and puts them on. It
// guards that a rule ends on every way. What a process may do, its callers say. One
// way to use it:
//
//	p := seccomp.Begin()
//	p.Equal(unix.SYS_READ, unix.SECCOMP_RET_ALLOW)
//	p.End(seccomp.Refuse(unix.EPERM))
//	err := p.Install(0)
package seccomp

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where struct seccomp_data has what (seccomp(2)). Of an argument, the lower half is
// looked at: the kernel reads no more of those that filters look at here.
const (
	AtNumber = 0
	AtArch   = 4
	atFirst  = 16
)

// Argument is where the n-th argument is, from 0.
func Argument(n uint32) uint32 { return atFirst + 8*n }

// Program is a classic BPF program under construction.
type Program []unix.SockFilter

// Begin is a program that refuses calls of another architecture or binary interface,
// and has loaded the number of the call.
func Begin() Program {
	var p Program
	p.Load(AtArch)
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, Arch)
	p.End(unix.SECCOMP_RET_KILL_PROCESS)
	p.Load(AtNumber)
	p.Above(Foreign, Refuse(unix.EPERM))
	return p
}

// Add adds an instruction.
func (p *Program) Add(code uint16, yes, no uint8, k uint32) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}

// Load loads a word of what the call is.
func (p *Program) Load(offset uint32) { p.Add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, offset) }

// End ends with action.
func (p *Program) End(action uint32) { p.Add(unix.BPF_RET|unix.BPF_K, 0, 0, action) }

// Equal ends with action where what was loaded is k.
func (p *Program) Equal(k, action uint32) {
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, k)
	p.End(action)
}

// Above ends with action where what was loaded is k or more.
func (p *Program) Above(k, action uint32) {
	p.Add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 1, k)
	p.End(action)
}

// Within ends with action where what was loaded is from low to high.
func (p *Program) Within(low, high, action uint32) {
	p.Add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 2, low)
	p.Add(unix.BPF_JMP|unix.BPF_JGT|unix.BPF_K, 1, 0, high)
	p.End(action)
}

// Call writes rules for one call; they end on every way.
func (p *Program) Call(number uint32, rules func(*Program)) {
	var body Program
	rules(&body)
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, uint8(len(body)), number)
	*p = append(*p, body...)
}

// Refuse is the action that answers a call with an error.
func Refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// Install puts the program on the calling thread, and so on what that becomes; on all
// threads of the process with the flag [unix.SECCOMP_FILTER_FLAG_TSYNC]. The thread
// must have given up new privileges: its goroutine is locked to it from then on.
func (p *Program) Install(flags uintptr) error {
	prog := unix.SockFprog{Len: uint16(len(*p)), Filter: &(*p)[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	switch {
	case errno != 0:
		return fmt.Errorf("setting the filter of system calls: %w", errno)
	case thread != 0: // seccomp(2) names one that has another filter
		return errors.New("setting the filter of system calls: a thread does not take it")
	}
	return nil
}
