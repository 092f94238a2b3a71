package config

import "strings"

// SpotConf is where Spot's installation keeps its settings, as shell assignments.
const SpotConf = "/etc/spot.conf"

// ReadSpotConf reads the assignments of /etc/spot.conf, where Spot's installation keeps its
// settings for shell scripts: KEY='value' lines, perhaps with export before or a comment
// behind. The last of a repeated key wins. Nothing is expanded, and what else a shell might
// make of the file is not looked at. The error is an [io/fs.ErrNotExist] if there is no such
// file.
func ReadSpotConf(path string) (map[string]string, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return parseSpotConf(string(text)), nil
}

func parseSpotConf(text string) map[string]string {
	settings := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if name, found := strings.CutPrefix(key, "export"); found && strings.TrimLeft(name, " \t") != name {
			key = name
		}
		settings[strings.TrimSpace(key)] = unquote(strings.TrimSpace(value))
	}
	return settings
}

// unquote removes the quotes around a value, and a comment behind it.
func unquote(value string) string {
	if value != "" && (value[0] == '\'' || value[0] == '"') {
		inner, rest, closed := strings.Cut(value[1:], value[:1])
		rest = strings.TrimSpace(rest)
		if closed && (rest == "" || rest[0] == '#') {
			return inner
		}
		return value
	}
	if at := strings.IndexByte(value, '#'); at == 0 || at > 0 && strings.ContainsRune(" \t", rune(value[at-1])) {
		value = strings.TrimSpace(value[:at])
	}
	return value
}
