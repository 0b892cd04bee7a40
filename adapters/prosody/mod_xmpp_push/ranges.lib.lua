-- Ranges of event numbers: "1-40 43 50-51".

local tonumber, pairs, ipairs = tonumber, pairs, ipairs;

-- Calls `each(first, last)` for every range of `text`; what is not a range is passed over.
local function parse(text, each)
	for word in text:gmatch("%S+") do
		local first, last = word:match("^(%d+)%-?(%d*)$");
		if first then
			first = tonumber(first);
			each(first, tonumber(last) or first);
		end
	end
end

-- Calls `each(entry)`, in the order of the numbers, for what `entries` has under those of `text`. A wide range costs no more than
-- what there is: `count`.
local function pick(text, entries, count, each)
	local numbers = {};
	local function add(n)
		if entries[n] then numbers[#numbers + 1] = n; end
	end
	parse(text, function (first, last)
		if last - first > count then
			for n in pairs(entries) do
				if n >= first and n <= last then add(n); end
			end
			return;
		end
		for n = first, last do add(n); end
	end);
	table.sort(numbers);
	for _, n in ipairs(numbers) do
		if entries[n] then each(entries[n]); end      -- a number may be named twice
	end
end

-- `numbers` is sorted.
local function format(numbers)
	local words, first, last = {}, nil, nil;
	local function close()
		if first then words[#words + 1] = first == last and ("%d"):format(first) or ("%d-%d"):format(first, last); end
	end
	for _, n in ipairs(numbers) do
		if last and n == last + 1 then
			last = n;
		else
			close();
			first, last = n, n;
		end
	end
	close();
	return table.concat(words, " ");
end

return { pick = pick; format = format };
