// Times CppTrader's order book on an order flow, as `ensoex bench engine` times the engine: a fresh market each repetition,
// blocks of commands built untimed and then timed, the median of the repetitions; then each command alone.
//
//   cpptrader FILE [REPETITIONS]
//
// FILE has a line a command: op,order_id,side,price,qty,tif (see crates/sim/src/workload.rs). Prints one line of JSON. Trades, volume
// and resting orders are in it, so that whoever compares can refuse to compare different work.
//
// What it does not do: accounts, balances, fees, events. Its handler only counts.

#include "trader/matching/market_manager.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

using namespace CppTrader::Matching;

namespace {

// As in the engine's benchmark.
constexpr size_t BLOCK = 256;
constexpr int LATENCY_PASSES_MAX = 5;
constexpr long REPETITIONS_MAX = 1000;
constexpr size_t LINE_BYTES_MAX = 100;

struct Line
{
    char operation;
    bool immediate;
    bool buy;
    uint64_t order;
    uint64_t price;
    uint64_t quantity;
};

// A line as it is handed over; the order is of no meaning for cancel and reduce.
struct Command
{
    char operation;
    uint64_t id;
    uint64_t price;
    uint64_t quantity;
    Order order;
};

class Counter : public MarketHandler
{
public:
    // Each trade is told twice, once for each of its orders.
    uint64_t executions = 0;
    uint64_t volume_twice = 0;

protected:
    void onExecuteOrder(const Order&, uint64_t, uint64_t quantity) override
    {
        ++executions;
        volume_twice += quantity;
    }
};

struct Outcome
{
    uint64_t trades = 0;
    uint64_t volume = 0;
    uint64_t resting = 0;

    bool operator==(const Outcome&) const = default;
};

[[noreturn]] void fail(const std::string& why)
{
    std::cerr << why << '\n';
    std::exit(1);
}

std::vector<Line> read(const char* path)
{
    std::ifstream input(path);
    if (!input)
        fail(std::string("the order flow cannot be read: ") + path);
    std::vector<Line> lines;
    std::string text;
    while (std::getline(input, text))
    {
        char operation = 0, side = 0, time_in_force = 0;
        unsigned long long order = 0, price = 0, quantity = 0;
        const bool whole = text.size() <= LINE_BYTES_MAX &&
            std::sscanf(text.c_str(), "%c,%llu,%c,%llu,%llu,%c", &operation, &order, &side, &price, &quantity, &time_in_force) == 6;
        if (!whole || std::string("PCRM").find(operation) == std::string::npos)
            fail("line " + std::to_string(lines.size() + 1) + ": a line has six fields: op,order_id,side,price,qty,tif");
        lines.push_back({operation, time_in_force == 'I', side == 'B', order, price, quantity});
    }
    if (lines.empty())
        fail("the order flow has no commands");
    return lines;
}

Command command(const Line& line)
{
    const auto side = line.buy ? OrderSide::BUY : OrderSide::SELL;
    const auto time_in_force = line.immediate ? OrderTimeInForce::IOC : OrderTimeInForce::GTC;
    return {line.operation, line.order, line.price, line.quantity,
        Order::Limit(line.order, 0, side, line.price, line.quantity, time_in_force)};
}

ErrorCode apply(MarketManager& market, const Command& command)
{
    switch (command.operation)
    {
        case 'P': return market.AddOrder(command.order);
        case 'C': return market.DeleteOrder(command.id);
        case 'R': return market.ReduceOrder(command.id, command.quantity);
        default: return market.ModifyOrder(command.id, command.price, command.quantity);
    }
}

uint64_t nanoseconds(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}

// One pass over the lines: each block is timed, or with `times` each command. Returns the sum.
uint64_t pass(const std::vector<Line>& lines, Outcome& outcome, std::vector<uint64_t>* times)
{
    Counter counter;
    MarketManager market(counter);
    const Symbol symbol(0, "BASEQTE");
    market.AddSymbol(symbol);
    market.AddOrderBook(symbol);
    market.EnableMatching();

    uint64_t total = 0;
    uint64_t refused = 0;
    std::vector<Command> block;
    block.reserve(BLOCK);
    for (size_t first = 0; first < lines.size(); first += BLOCK)
    {
        block.clear();
        const size_t last = std::min(first + BLOCK, lines.size());
        for (size_t position = first; position < last; ++position)
            block.push_back(command(lines[position]));
        if (times == nullptr)
        {
            const auto start = std::chrono::steady_clock::now();
            for (const Command& each : block)
                refused += apply(market, each) != ErrorCode::OK;
            total += nanoseconds(start);
            continue;
        }
        for (size_t position = first; position < last; ++position)
        {
            const auto start = std::chrono::steady_clock::now();
            refused += apply(market, block[position - first]) != ErrorCode::OK;
            (*times)[position] = nanoseconds(start);
            total += (*times)[position];
        }
    }
    if (refused > 0)
        fail(std::to_string(refused) + " commands were refused");
    outcome = {counter.executions / 2, counter.volume_twice / 2, market.orders().size()};
    return total;
}

// The middle one, or the mean of the two in the middle.
double median(std::vector<uint64_t> values)
{
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

// The least of the ascending values that `per_mille` of them do not exceed.
uint64_t percentile(const std::vector<uint64_t>& values, size_t per_mille)
{
    return values[std::max<size_t>((values.size() * per_mille + 999) / 1000, 1) - 1];
}

uint64_t clock_ns()
{
    std::vector<uint64_t> differences(10001);
    for (uint64_t& difference : differences)
        difference = nanoseconds(std::chrono::steady_clock::now());
    return median(differences);
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 2 || count > 3)
        fail("cpptrader FILE [REPETITIONS]");
    const long repetitions = count == 3 ? std::strtol(arguments[2], nullptr, 10) : 5;
    if (repetitions < 1 || repetitions > REPETITIONS_MAX)
        fail("repetitions must be from 1 to " + std::to_string(REPETITIONS_MAX));
    const std::vector<Line> lines = read(arguments[1]);

    Outcome first;
    pass(lines, first, nullptr);
    const auto timed = [&](std::vector<uint64_t>* times)
    {
        Outcome outcome;
        const uint64_t total = pass(lines, outcome, times);
        if (outcome != first)
            fail("two runs over the same commands ended differently");
        return total;
    };

    std::vector<uint64_t> totals;
    for (long repetition = 0; repetition < repetitions; ++repetition)
        totals.push_back(timed(nullptr));

    std::vector<uint64_t> found[3];
    std::vector<uint64_t> times(lines.size(), 1);
    for (long repetition = 0; repetition < std::min<long>(repetitions, LATENCY_PASSES_MAX); ++repetition)
    {
        timed(&times);
        std::vector<uint64_t> sorted = times;
        std::sort(sorted.begin(), sorted.end());
        const size_t per_mille[3] = {500, 990, 999};
        for (int rank = 0; rank < 3; ++rank)
            found[rank].push_back(percentile(sorted, per_mille[rank]));
    }

    std::printf("{\"commands\": %zu, \"trades\": %llu, \"volume\": %llu, \"resting_orders\": %llu, \"ns_per_command\": %.2f, "
                "\"latency_ns_p50\": %.0f, \"latency_ns_p99\": %.0f, \"latency_ns_p999\": %.0f, \"clock_ns\": %llu}\n",
        lines.size(), static_cast<unsigned long long>(first.trades), static_cast<unsigned long long>(first.volume),
        static_cast<unsigned long long>(first.resting), median(totals) / lines.size(), median(found[0]), median(found[1]),
        median(found[2]), static_cast<unsigned long long>(clock_ns()));
}
