-- Events as plain data that a store or another list of shards can take.

local st = require "util.stanza";
local is_journalled = module:require "events".is_journalled;

local ipairs = ipairs;

local function freeze_entry(entry, was)
	return {
		kind = entry.kind; user = entry.user; resource = entry.resource; count = entry.count; first = entry.first; last = entry.last;
		has_content = entry.has_content; message = entry.message and st.preserialize(entry.message);
		was_sent = entry.n ~= nil or nil; was = was; recipients = entry.recipients;
	};
end

-- Makes the record that freeze() adds to.
local function empty()
	return { entries = {}, deferred = {}, dropped = 0 };
end

-- Adds all of `events` and what is deferred to `frozen`, in the order in which it was missed.
local function freeze(events, deferred, frozen)
	local entries = frozen.entries;
	local function add(entry) entries[#entries + 1] = freeze_entry(entry, entry.was); end
	for _, n in ipairs((events:begin_again())) do add(events:outstanding(n)); end
	for _, entry in ipairs(events:unsent()) do add(entry); end
	frozen.dropped = frozen.dropped + events:count_dropped();
	deferred:each(function (entry, was) frozen.deferred[#frozen.deferred + 1] = freeze_entry(entry, was); end);
end

local function thaw_entry(item)
	return {
		kind = item.kind; user = item.user; resource = item.resource; count = item.count; has_content = item.has_content;
		first = item.first; last = item.last; was = item.was; recipients = item.recipients;
	};
end

local function thaw_deferred(deferred, item)
	deferred:restore(thaw_entry(item), item.message and st.deserialize(item.message));
end

-- Takes back one of the entries that freeze() gave, under a new number. What had been sent stays apart, so that the service
-- knows it again.
local function thaw(events, deferred, item)
	local message = item.message and st.deserialize(item.message);
	if item.was_sent and events:restore(thaw_entry(item), message) then return; end
	if item.recipients then return thaw_deferred(deferred, item); end
	if is_journalled[item.kind] then
		events:drop_waiting(item.user);
		return events:record(item.kind, item.user);
	end
	local entry = events:collapse(item.kind, item.user, item.resource, message, item.has_content);
	entry.count = entry.count + item.count - 1;
	if item.first < entry.first then entry.first = item.first; end
	entry.last = item.last or item.first;
end

return { empty = empty; freeze = freeze; thaw = thaw; thaw_deferred = thaw_deferred };
