-- Ranges of event numbers: "1-40 43 50-51".

local tonumber, ipairs = tonumber, ipairs;

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

return { parse = parse; format = format };
