-- A storage driver for tests: it fails at every store that it shall open.

module:provides("storage", {
	open = function () error("closed"); end;
});
