-- Keeps state over an orderly restart of the server; of deferred events the wake-ups also when it is killed, in a store of
-- their own.

local lines = module:require "lines";

local ipairs = ipairs;

-- Of the two stores.
local version, deferred_version = 2, 2;

local Store = {};
Store.__index = Store;

-- Returns nil when there is none: the module works without.
local function open(guard, name, loss)
	local ok, driver, err = guard.try("the opening of a store", module.open_store, module, name);
	if ok and driver then return driver; end
	module:log("error", "The store %s cannot be opened (%s): %s", name, err or "a fault", loss);
end

local function new(guard)
	return setmetatable({
		driver = open(guard, "xmpp_push", "what is not acknowledged will not survive a restart of the server");
		deferred = open(guard, "xmpp_push_deferred", "what is deferred will not survive the death of the server");
		guard = guard;
		is_behind = false;      -- what is deferred could not be written
	}, Store);
end

-- What was missed is stored for all shards together: the list may be another when it is read.
local function collect(shards)
	local data = { version = version, events = shards:freeze(), publishing = {} };
	local is_empty = #data.events.entries == 0 and #data.events.deferred == 0;
	for _, shard in ipairs(shards.list) do
		local frozen = shard.publishing:freeze();
		data.publishing[shard.options.component] = frozen;
		is_empty = is_empty and #frozen.outcomes == 0;
	end
	return not is_empty and data or nil;
end

local function write_deferred(store, shards)
	store.is_behind = true;      -- also when the next lines throw
	local written = {};
	shards:each_deferred(function (entry, was) written[#written + 1] = lines.write(entry, was); end);
	local ok, err = store.deferred:set(nil, #written > 0 and { version = deferred_version; lines = written } or nil);
	if not ok then module:log("error", "What is deferred could not be stored: %s", err); end
	store.is_behind = not ok;
end

-- The other store would bring back what has ended since. Returns whether all is stored.
local function write(store, shards)
	if not store.driver then return false; end
	local ok, err = store.driver:set(nil, collect(shards));
	if not ok then
		module:log("error", "What is not acknowledged could not be stored: %s", err);
		return false;
	end
	if store.deferred then store.deferred:set(nil, nil); end
	return true;
end

-- Version 1 knew one component, and did not say which.
local function frozen_publishing(data, shards, i)
	if data.version == 1 then return i == 1 and data.publishing or nil; end
	return data.publishing[shards.list[i].options.component];
end

local function log_taken_back(count)
	module:log("info", "Took back %d events from before the restart", count);
end

local function take_back(data, shards)
	shards:thaw(data.events);
	for i, shard in ipairs(shards.list) do
		local frozen = frozen_publishing(data, shards, i);
		if frozen then shard.publishing:thaw(frozen); end
	end
	log_taken_back(#data.events.entries + #(data.events.deferred or {}));
end

-- From before the server was killed. It stays where it is.
local function read_deferred(store, shards)
	local data = store.deferred and store.deferred:get(nil);
	if not data or data.version ~= deferred_version then return; end
	for _, line in ipairs(data.lines) do shards:thaw_event(lines.read(line)); end
	log_taken_back(#data.lines);
end

-- Data of a later version of the module stays until other data is stored.
local function read_and_remove(store, shards)
	local data = store.driver and store.driver:get(nil);
	if not data or data.version > version then return read_deferred(store, shards); end
	take_back(data, shards);
	if store.deferred then write_deferred(store, shards); end
	store.driver:set(nil, nil);
end

-- To be called now and then.
function Store:save_deferred(shards)
	if not self.deferred then return; end
	if shards:take_changed() or self.is_behind then self.guard.try("storing", write_deferred, self, shards); end
end

-- To be called before the end.
function Store:save(shards)
	local _, is_saved = self.guard.try("storing", write, self, shards);
	if not is_saved then self:save_deferred(shards); end
end

function Store:load(shards)
	self.guard.try("reading the store", read_and_remove, self, shards);
end

return { new = new };
