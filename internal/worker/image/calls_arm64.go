package image

// nativeCalls are those of this architecture alone.
var nativeCalls = []uint32{}
