-- Writes deferred events as lines of text, without the messages: a store that writes ten thousand tables holds up the server.

local keys = module:require "keys";

local ipairs, tonumber, concat = ipairs, tonumber, table.concat;

-- A character that XML cannot hold.
local separator = "\31";

-- How many words are about the event; a pair for each recipient follows.
local own_words = 9;

local function decimal(number)
	return number and ("%.0f"):format(number) or "";
end

-- `was` is the name the event has in later epochs.
local function write(entry, was)
	local words = {
		entry.kind, entry.user, entry.resource or "", decimal(entry.count), decimal(entry.first), decimal(entry.last),
		entry.has_content and "1" or "", was, keys.write(entry.keys) or ""
	};
	for i, recipient in ipairs(entry.recipients or {}) do
		words[own_words + 2 * i - 1], words[own_words + 2 * i] = recipient.id, recipient.r or "";
	end
	return concat(words, separator);
end

local function split(line)
	local words = {};
	for word in (line..separator):gmatch("([^"..separator.."]*)"..separator) do words[#words + 1] = word; end
	return words;
end

local function filled(word)
	return word ~= "" and word or nil;
end

-- Returns a record that can be taken back as if it had been frozen. Of a line that is half-written it has what is there.
local function read(line)
	local words = split(line);
	local recipients = {};
	for i = own_words + 1, #words, 2 do recipients[#recipients + 1] = { id = words[i], r = filled(words[i + 1]) }; end
	return {
		kind = filled(words[1]); user = filled(words[2]); resource = filled(words[3]);
		count = tonumber(words[4]); first = tonumber(words[5]); last = tonumber(words[6]);
		has_content = filled(words[7]) ~= nil; was = filled(words[8]); keys = keys.read(words[9] or ""); recipients = recipients;
	};
end

return { write = write; read = read };
