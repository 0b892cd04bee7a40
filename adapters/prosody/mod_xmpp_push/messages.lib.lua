-- The messages of a shard's events, within the bytes there may be of them. Over these an event loses its message and not its
-- wake-up, which matters more; those that are deferred lose it first.

local fifo = module:require "fifo";

local pairs, ipairs, type = pairs, ipairs, type;

-- Plain data, which survives a reload.
local function fresh(bytes)
	return {
		bytes = bytes or 0;    -- of all messages, roughly as on the wire
		spare = fifo.new();    -- { entry }: the deferred ones with a message, the oldest first
		spare_bytes = 0;       -- of these
	};
end

local function weight(element)
	local bytes = 2 * #element.name + 5;
	for name, value in pairs(element.attr) do bytes = bytes + #name + #value + 4; end
	for _, child in ipairs(element) do
		bytes = bytes + (type(child) == "string" and #child or weight(child));
	end
	return bytes;
end

-- The entry is deferred: what it holds may be thrown away for others.
local function make_spare(kept, entry)
	if not entry.message then return; end
	entry.spare = { entry = entry };
	fifo.push(kept.spare, entry.spare);
	kept.spare_bytes = kept.spare_bytes + entry.weight;
end

-- The entry is not deferred any more.
local function make_firm(kept, entry)
	if not entry.spare then return; end
	fifo.remove(kept.spare, entry.spare);
	kept.spare_bytes = kept.spare_bytes - entry.weight;
	entry.spare = nil;
end

local function release(kept, entry)
	make_firm(kept, entry);
	kept.bytes = kept.bytes - (entry.weight or 0);
	entry.message, entry.weight = nil, nil;
end

local function has_space(kept, limit, bytes)
	if kept.bytes - kept.spare_bytes + bytes > limit then return false; end
	while kept.bytes + bytes > limit do release(kept, fifo.peek(kept.spare).entry); end
	return true;
end

-- Gives an entry that is not deferred its message, if there is space for it.
local function hold(kept, limit, entry, message)
	release(kept, entry);
	local bytes = message and weight(message) or 0;
	if not message or not has_space(kept, limit, bytes) then return; end
	entry.message, entry.weight = message, bytes;
	kept.bytes = kept.bytes + bytes;
end

-- Gives the message of one entry to another, neither of them deferred.
local function pass_on(from, to)
	from.message, to.message = nil, from.message;
	from.weight, to.weight = nil, from.weight;
end

return { fresh = fresh; hold = hold; release = release; make_spare = make_spare; make_firm = make_firm; pass_on = pass_on };
