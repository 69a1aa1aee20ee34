package hotcell

import "time"

// Backup is what the vault remembers of a backup that it made. The file itself is
// elsewhere.
type Backup struct {
	ID BackupID  `json:"id"`
	At time.Time `json:"at"`
	// Key names the KMS key that opens it: where that is destroyed, its recipients alone
	// can.
	Key string `json:"key"`
	// Recipients are those of the configuration at that time.
	Recipients []string `json:"recipients,omitempty"`
	// Sequence is the last event of the audit log before it, or so.
	Sequence int64 `json:"sequence"`
	// Folders and Outputs say whether assignments' folders, and what jobs left, are in it.
	Folders bool `json:"folders"`
	Outputs bool `json:"outputs"`
}
