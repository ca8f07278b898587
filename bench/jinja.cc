// Time to render a conversation of 100 messages with a chat template of real size: tools, thinking
// and calls, as current models have them. The budget is 1 ms: rendering must not be what a request
// waits for.
#include <benchmark/benchmark.h>

#include "jinja/template.h"

namespace chasqui::jinja {
namespace {

constexpr const char* kTemplate = R"({%- macro say_tools(tools) %}
# Tools

You may call these functions; each line is one, as JSON:
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>

Answer with <tool_call>{"name": ..., "arguments": ...}</tool_call> to call one.
{%- endmacro %}
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- say_tools(tools) + '<|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(searching=true, last_question=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == 'user' and message.content is string and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last_question = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set thought = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thought = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_question and (loop.last or thought) %}
            {{- '<|im_start|>' + message.role + '\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or not loop.first %}{{- '\n' }}{%- endif %}
                {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                {{- '<tool_call>\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\n<tool_response>\n' + content + '\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
{%- endif %}
)";

Value text(std::string bytes) {
  return Value::string(std::move(bytes), Origin::kCaller);
}

Value entry(const char* role, std::string content, Value calls = Value::none()) {
  std::vector<std::pair<Value, Value>> entries = {{text("role"), text(role)},
                                                  {text("content"), text(std::move(content))}};
  if (!calls.is(Kind::kNone)) entries.emplace_back(text("tool_calls"), std::move(calls));
  return Value::dict(std::move(entries));
}

Value one_call() {
  const Value arguments =
      Value::dict({{text("city"), text("Cusco")}, {text("days"), Value::integer(3)}});
  const Value function =
      Value::dict({{text("name"), text("get_weather")}, {text("arguments"), arguments}});
  return Value::list(
      {Value::dict({{text("type"), text("function")}, {text("function"), function}})});
}

Variables conversation(int64_t messages) {
  const std::string words(600, 'w');
  std::vector<Value> all = {entry("system", "Be brief.")};
  while (static_cast<int64_t>(all.size()) < messages) {
    all.push_back(entry("user", "How warm is it? " + words));
    all.push_back(entry("assistant", "<think>\nLook it up.\n</think>\n\nLet me see.", one_call()));
    all.push_back(entry("tool", "18 degrees " + words));
    all.push_back(entry("assistant", "It is 18 degrees. " + words));
  }
  all.resize(static_cast<size_t>(messages));
  return {{"messages", Value::list(std::move(all))},
          {"tools", one_call()},
          {"add_generation_prompt", Value::boolean(true)},
          {"enable_thinking", Value::boolean(false)}};
}

void Render(benchmark::State& state) {
  const auto compiled = Template::compile(kTemplate);
  const Variables variables = conversation(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const auto rendered = compiled->render(variables);
    if (!rendered) {
      state.SkipWithError(rendered.error().reason.c_str());
      break;
    }
    bytes = rendered->size();
    benchmark::DoNotOptimize(bytes);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

void Compile(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Template::compile(kTemplate).has_value());
}

BENCHMARK(Render)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);
BENCHMARK(Compile)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace chasqui::jinja

BENCHMARK_MAIN();
