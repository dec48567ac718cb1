package script

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
)

// maxInflated bounds what one operation gives, in bytes, whatever a script allows itself.
const maxInflated = 32 << 20

// compressOrNot does what Node's zlib does to a whole buffer: method, bytes, level, most bytes of the result.
func compressOrNot(o operands) (any, error) {
	method, data, level, limit := o.text(0), o.bytes(1), o.int(2), o.int(3)
	if limit <= 0 || limit > maxInflated {
		limit = maxInflated
	}
	switch method {
	case "gzip", "deflate", "deflateRaw", "brotliCompress":
		return compressed(method, data, level)
	}
	in := bytes.NewReader(data)
	var from io.Reader
	var err error
	switch method {
	case "gunzip":
		from, err = gzip.NewReader(in)
	case "inflate":
		from, err = zlib.NewReader(in)
	case "inflateRaw":
		from = flate.NewReader(in)
	case "unzip":
		if len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b {
			from, err = gzip.NewReader(in)
		} else {
			from, err = zlib.NewReader(in)
		}
	case "brotliDecompress":
		from = brotli.NewReader(in)
	}
	var out []byte
	if err == nil {
		out, err = io.ReadAll(io.LimitReader(from, int64(limit)+1))
	}
	if err != nil {
		return nil, inflateError(method, data, err)
	}
	if len(out) > limit {
		return nil, &operationError{Name: "RangeError", Code: "ERR_BUFFER_TOO_LARGE", Message: "Cannot create a Buffer larger than " + itoa(limit) + " bytes"}
	}
	return out, nil
}

func compressed(method string, data []byte, level int) (any, error) {
	var out bytes.Buffer
	var to io.WriteCloser
	var err error
	if level < -2 || level > 9 {
		level = -1
	}
	switch method {
	case "gzip":
		to, err = gzip.NewWriterLevel(&out, level)
	case "deflate":
		to, err = zlib.NewWriterLevel(&out, level)
	case "deflateRaw":
		to, err = flate.NewWriter(&out, level)
	default:
		to = brotli.NewWriterLevel(&out, 5)
	}
	if err != nil {
		return nil, err
	}
	if _, err := to.Write(data); err != nil {
		return nil, err
	}
	err = to.Close()
	return out.Bytes(), err
}

// inflateError gives a failure the code and number that Node's has.
func inflateError(method string, data []byte, err error) error {
	if method == "brotliDecompress" {
		return &operationError{Code: "ERR__ERROR_FORMAT_PADDING_1", Errno: -2, Message: "Decompression failed"}
	}
	if !begins(method, data) {
		return &operationError{Code: "Z_DATA_ERROR", Errno: -3, Message: "incorrect header check"}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &operationError{Code: "Z_BUF_ERROR", Errno: -5, Message: "unexpected end of file"}
	}
	message := "invalid stored block lengths"
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zlib.ErrHeader):
		message = "incorrect header check"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zlib.ErrChecksum):
		message = "incorrect data check"
	}
	return &operationError{Code: "Z_DATA_ERROR", Errno: -3, Message: message}
}

// begins tells whether data could be the beginning of what the method reads.
func begins(method string, data []byte) bool {
	if len(data) < 2 || method == "inflateRaw" {
		return true
	}
	isGzip, isZlib := data[0] == 0x1f && data[1] == 0x8b, (int(data[0])<<8|int(data[1]))%31 == 0
	return isGzip && method != "inflate" || isZlib && method != "gunzip"
}
