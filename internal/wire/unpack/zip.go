package unpack

import (
	"compress/flate"
	"encoding/binary"
	"io"
)

// The methods of zip (APPNOTE 4.4.5) that are read.
const (
	zipStored   = 0
	zipDeflated = 8
	zipBzip2    = 12
	zipLZMA     = 14
	zipZstdOld  = 20
	zipZstd     = 93
	zipXZ       = 95

	zipHead = 30
)

// openZip reads one entry of a zip archive by its own head (APPNOTE 4.3.7). What
// is stored stands in the stream as it is, and is seen there.
func openZip(from *stream, to *reading) error {
	var head [zipHead]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	flags, method := binary.LittleEndian.Uint16(head[6:]), binary.LittleEndian.Uint16(head[8:])
	skip := int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	if flags&1 != 0 {
		return unreadable("it holds an archive that is enciphered")
	}
	if _, err := io.CopyN(io.Discard, from, skip); err != nil {
		return err
	}
	switch method {
	case zipStored:
		return nil
	case zipDeflated:
		return drain(flate.NewReader(from), to)
	case zipBzip2:
		return counted(bzipMemory, openBzip)(from, to)
	case zipZstd, zipZstdOld:
		return counted(zstdWindow, openZstd)(from, to)
	case zipXZ:
		return openXZ(from, to)
	case zipLZMA:
		return openZipLZMA(from, to)
	}
	return unreadable("it holds an archive that is packed in a way that is not known")
}

// counted reads something else within an entry, with what that holds.
func counted(memory int64, open func(*stream, *reading) error) func(*stream, *reading) error {
	return func(from *stream, to *reading) error {
		if err := to.budget.begin(memory); err != nil {
			return err
		}
		defer to.budget.finish(memory)
		return open(from, to)
	}
}
