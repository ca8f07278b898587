// Bounds hold, errors say where and why, and one template serves many threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "jinja/template.h"

namespace chasqui::jinja {
namespace {

using ErrorKind = TemplateError::Kind;
using ::testing::HasSubstr;

TemplateResult<Text> render(const std::string& source, const Variables& variables = {},
                            const RenderOptions& options = {}) {
  const auto compiled = Template::compile(source);
  if (!compiled) return tl::unexpected<TemplateError>(compiled.error());
  return compiled->render(variables, options);
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Each would take for ever, or all memory, or the stack.
const char* const kEndless[] = {
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{{ m(n + [n]) }}{{ m(n + [n]) }}{% endmacro %}{{ m([]) }}",
    "{{ 'x' * 10000000000 }}",
    "{{ [1] * 10000000000 }}",
    "{{ 'x'.center(10000000000) }}",
    "{{ 'x'|center(10000000000) }}",
    "{{ 'x'.zfill(10000000000) }}",
    "{{ '%10000000000d' % 1 }}",
    "{{ '%*d' % (10000000000, 1) }}",
    "{{ '{:10000000000}'.format(1) }}",
    "{{ 'x'|indent(10000000000) }}",
    "{{ [[]]|tojson(indent=10000000000) }}",
    "{{ [1]|batch(10000000000, 0)|list }}",
    "{{ [1]|slice(10000000000)|list }}",
    "{{ range(100001)|list }}",
    "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% "
    "endfor %}",
    "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x.replace('a', "
    "ns.x) "
    "%}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor "
    "%}",
    "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}",
    "{% set ns = namespace(x={}) %}{% for i in range(1000) %}{% set ns.x = {'a': ns.x} %}{% endfor "
    "%}",
    "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% "
    "endfor %}"
    "{{ ns.x|tojson }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% "
    "endfor %}"
    "{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
    "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}",
    "{% for a in range(100000) %}{% for b in range(1000) %}0123456789{% endfor %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% set x %}{% for a in range(100000) %}{% for b in range(1000) %}0123456789{% endfor %}{% "
    "endfor "
    "%}{% endset %}",
};

TEST(Sandbox, EndlessTemplatesHitABound) {
  // A tenth of the defaults, since sanitizers are slow.
  RenderOptions tenth;
  tenth.limits.steps /= 10;
  tenth.limits.made_bytes /= 10;
  tenth.limits.output_bytes /= 10;
  for (const char* source : kEndless) {
    const auto begin = std::chrono::steady_clock::now();
    const auto rendered = render(source, {}, tenth);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(rendered.has_value()) << source;
    EXPECT_EQ(rendered.error().kind, ErrorKind::kLimit)
        << source << ": " << rendered.error().reason;
    EXPECT_LT(seconds.count(), 30) << source;  // a tenth of a second; the rest is for bad days
  }
}

TEST(Sandbox, BoundsAreTheCallers) {
  RenderOptions few;
  few.limits.steps = 50;
  EXPECT_EQ(render("{% for i in range(100) %}{% endfor %}", {}, few).error().kind,
            ErrorKind::kLimit);
  RenderOptions small;
  small.limits.output_bytes = 10;
  EXPECT_TRUE(render("0123456789", {}, small).has_value());
  const auto over = render("0123456789\n\n0", {}, small);
  ASSERT_FALSE(over.has_value());
  EXPECT_THAT(over.error().reason, HasSubstr("output"));
  EXPECT_EQ(over.error().to_error().code, ErrorCode::kResourceExhausted);
}

TEST(Sandbox, SourceNestsWithinBounds) {
  constexpr int kMany = 100000;
  for (const std::string& source : {
           "{{ " + repeated("(", kMany) + "1" + repeated(")", kMany) + " }}",
           "{{ " + repeated("[", kMany) + repeated("]", kMany) + " }}",
           "{{ " + repeated("{1:", kMany) + "1" + repeated("}", kMany) + " }}",
           "{{ " + repeated("not ", kMany) + "1 }}",
           "{{ " + repeated("-", kMany) + "1 }}",
           "{{ " + repeated("1 if 1 else ", kMany) + "1 }}",
           "{{ a" + repeated("[a", kMany) + repeated("]", kMany) + " }}",
           repeated("{% if 1 %}", kMany) + repeated("{% endif %}", kMany),
           repeated("{% for a in b %}", kMany),
           "{% set " + repeated("(", kMany) + "a" + repeated(")", kMany) + " = 1 %}",
       }) {
    const auto compiled = Template::compile(source);
    ASSERT_FALSE(compiled.has_value()) << source.substr(0, 40);
    EXPECT_EQ(compiled.error().kind, ErrorKind::kLimit) << source.substr(0, 40);
  }
  // Long chains are no nesting to the parser, and to the evaluation they are.
  for (const char* link : {" + 1", " and 1", "|abs", " == 1", ".a", "(1)"}) {
    const auto rendered = render("{{ 1" + repeated(link, kMany) + " }}");
    EXPECT_TRUE(rendered || rendered.error().kind != ErrorKind::kSyntax) << link;
  }
  EXPECT_FALSE(Template::compile(std::string(Template::kMaxSourceBytes + 1, 'x')).has_value());
}

TEST(Sandbox, ErrorsNameTheLine) {
  const auto syntax = Template::compile("a\n{% if x %}\n{{ 1 + }}");
  ASSERT_FALSE(syntax.has_value());
  EXPECT_EQ(syntax.error().kind, ErrorKind::kSyntax);
  EXPECT_EQ(syntax.error().line, 3);
  const auto raised = render("a\n\n{{ raise_exception('Roles must alternate') }}");
  ASSERT_FALSE(raised.has_value());
  EXPECT_EQ(raised.error().kind, ErrorKind::kRaised);
  EXPECT_EQ(raised.error().line, 3);
  EXPECT_EQ(raised.error().reason, "Roles must alternate");
  EXPECT_EQ(raised.error().to_error().message, "line 3: Roles must alternate");
}

TEST(Sandbox, BrokenSourcesAreSyntaxErrors) {
  for (const char* source : {"{{",
                             "{%",
                             "{#",
                             "{{ }}",
                             "{% %}",
                             "{{ 1",
                             "{% if %}",
                             "{% if 1 %}",
                             "{% endif %}",
                             "{% nosuch %}",
                             "{{ 'a }}",
                             "{{ 1 2 }}",
                             "{% for x %}{% endfor %}",
                             "{% set %}",
                             "{{ a. }}",
                             "{{ a[ }}",
                             "{{ a( }}",
                             "{{ (1 }}",
                             "{{ 1) }}",
                             "{{ {1} }}",
                             "{% macro %}{% endmacro %}",
                             "{% raw %}",
                             "{% set true = 1 %}",
                             "{% break %}",
                             "{% include 'x' %}",
                             "{{ a ? b }}",
                             "{% call 1 %}{% endcall %}",
                             "{{ f(a=1, 2) }}",
                             "{{ x is }}",
                             "{{ x | }}",
                             "{% if 1 %}{% else %}"}) {
    const auto compiled = Template::compile(source);
    ASSERT_FALSE(compiled.has_value()) << source;
    EXPECT_EQ(compiled.error().kind, ErrorKind::kSyntax) << source;
  }
}

TEST(Sandbox, OneTemplateServesManyThreads) {
  const auto compiled = Template::compile(
      "{% macro m(a) %}[{{ a }}]{% endmacro %}{% set ns = namespace(n=0) %}{% for x in l %}"
      "{% set ns.n = ns.n + x %}{{ m(x) }}{{ loop.index }}{% endfor %}{{ ns.n }}");
  ASSERT_TRUE(compiled.has_value());
  const Variables variables = {
      {"l", Value::list({Value::integer(1), Value::integer(2), Value::integer(3)})}};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto rendered = compiled->render(variables);
        ASSERT_TRUE(rendered.has_value());
        ASSERT_EQ(rendered->bytes(), "[1]1[2]2[3]36");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace chasqui::jinja
