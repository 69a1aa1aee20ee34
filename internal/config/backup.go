package config

import (
	"path/filepath"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/store/backup"
)

// Backup says who may open backups, and which are made by themselves.
type Backup struct {
	// Recipients may open each backup, beside the vault's key: age1…, or the line that
	// hotcell backup passphrase prints. No secret is one.
	Recipients List[string] `yaml:"recipients"`
	// Folder is where backups are put that are made each Every; empty and 0 for none.
	Folder string        `yaml:"folder"`
	Every  time.Duration `yaml:"every"`
	// Keep is how many of them are kept; the oldest go first.
	Keep int `yaml:"keep"`
	// Folders and Outputs say whether they have assignments' folders, which is so without
	// a word, and what jobs left.
	Folders *bool `yaml:"folders"`
	Outputs bool  `yaml:"outputs"`
}

// leastEvery is how often backups are made at the most.
const leastEvery = time.Minute

// WithFolders says whether assignments' folders are in backups.
func (b Backup) WithFolders() bool { return b.Folders == nil || *b.Folders }

func (b Backup) check() error {
	for _, text := range b.Recipients {
		if _, err := backup.ParseRecipient(text); err != nil {
			return err
		}
	}
	if n := len(b.Recipients); n > 20 || len(slices.Compact(slices.Sorted(slices.Values(b.Recipients)))) != n {
		return hotcell.Invalid("/backup/recipients", "there are at most 20, each once")
	}
	switch {
	case b.Keep < 0:
		return hotcell.Invalid("/backup/keep", "it is not below 0, which keeps all")
	case (b.Folder == "") != (b.Every == 0):
		return hotcell.Invalid("/backup", "backups by themselves take both folder and every")
	case b.Folder != "" && !filepath.IsAbs(b.Folder):
		return hotcell.Invalid("/backup/folder", "write its full path")
	case b.Every != 0 && b.Every < leastEvery:
		return hotcell.Invalid("/backup/every", "it is at least a minute")
	}
	return nil
}
