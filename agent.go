package hotcell

// Agent is a program that follows an assignment's instructions, as the server knows it.
type Agent struct {
	// Name is what an assignment calls it, Title what people call it.
	Name  string `json:"name"`
	Title string `json:"title"`
	// Program is what must be in the cell, Toolchain what brings it there.
	Program   string `json:"program,omitempty"`
	Toolchain string `json:"toolchain,omitempty"`
	// There is true where cells have the program.
	There bool `json:"there"`
	// Connectors are those of the model providers that it can use.
	Connectors []string `json:"connectors,omitempty"`
}
