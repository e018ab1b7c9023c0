"""The deck: read TOML, check keys, types, units and ranges, resolve, echo. A problem's schema drives all of it."""
