package ui

// DeviceCodePage asks for the code that a device shows.
type DeviceCodePage struct {
	Frame
	Form
	Problems Problems
}

// DeviceConfirmPage asks whether a device shows the code.
type DeviceConfirmPage struct {
	Frame
	Form
	Code string
}

// DeviceDonePage tells what became of the device.
type DeviceDonePage struct {
	Frame
	Allowed  bool
	RetryURL string // where another code is entered; "" if that is not offered
}

func (DeviceCodePage) template() string    { return "device-code" }
func (DeviceConfirmPage) template() string { return "device-confirm" }
func (DeviceDonePage) template() string    { return "device-done" }

// Inputs is the one field of the form.
func (p DeviceCodePage) Inputs() []input {
	p.screen = p.template()
	return p.inputs(p.Problems, input{Name: FieldCode, Label: "form.devicecode", Type: "text", Autocomplete: "off"})
}
