package vaultrpc

import "hotcell"

// The control plane's procedures for backups. Backup answers with the vault's part, which
// the control plane cannot read.
const (
	Backup  = "/hotcell.vault.control/Backup"
	Backups = "/hotcell.vault.control/Backups"
)

// HeaderRecipient is the header of an answer to Backup that says to whom the control
// plane's part is to be encrypted: an age recipient.
const HeaderRecipient = "Hotcell-Recipient"

// BackupRequest asks for a backup. Who may open it is no part of it: that is the
// operator's word, and the vault has it from the configuration.
type BackupRequest struct {
	By
	// Scheduled says that nobody asks, but the configuration.
	Scheduled bool `json:"scheduled,omitempty"`
	// Folders and Outputs say what the control plane will add.
	Folders bool `json:"folders,omitempty"`
	Outputs bool `json:"outputs,omitempty"`
}

// BackupsAnswer lists backups, newest first.
type BackupsAnswer struct {
	Backups []hotcell.Backup `json:"backups,omitempty"`
}
