// Metadata that a user sets against the file.
#include "gguf/overrides.h"

#include <gmock/gmock.h>

#include "gguf/file.h"
#include "gguf/internal/image_for_test.h"

namespace chasqui::gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Image;
using ::testing::IsEmpty;

// One key of each kind.
Image image() {
  Image image;
  image.header(0, 6)
      .u32("m.layers", 2)
      .key("m.eps", ValueType::kFloat32)
      .num(0.5F)
      .key("m.flag", ValueType::kBool)
      .num<uint8_t>(1)
      .key("m.name", ValueType::kString)
      .str("old")
      .array("m.list", ValueType::kUint8, 1)
      .num<uint8_t>(7)
      .key("m.wide", ValueType::kUint64)
      .num<uint64_t>(1);
  return image;
}

std::vector<Override> parsed(std::initializer_list<std::string_view> texts) {
  std::vector<Override> overrides;
  for (const std::string_view text : texts) {
    auto one = parse_override(text);
    EXPECT_TRUE(one) << one.error().message;
    if (one) overrides.push_back(std::move(*one));
  }
  return overrides;
}

TEST(Overrides, ReplaceEachKindOfValue) {
  Image kept = image();
  auto file = File::parse(kept.span(), "x.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const auto added =
      file->override_metadata(parsed({"m.layers=int:-3", "m.eps=float:1e-5", "m.flag=bool:false",
                                      "m.name=str:a=b:c", "m.wide=int:9223372036854775807"}));
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_THAT(*added, IsEmpty());
  EXPECT_EQ(file->find("m.layers")->as_int(), -3);
  EXPECT_EQ(file->get_double("m.eps").value(), 1e-5);
  EXPECT_EQ(file->get_bool("m.flag").value(), false);
  EXPECT_EQ(file->get_string("m.name").value(), "a=b:c");
  EXPECT_EQ(file->find("m.wide")->as_int(), INT64_MAX);
  EXPECT_EQ(file->metadata().size(), 6u);
  EXPECT_EQ(file->metadata()[0].second.as_int(), -3) << "in the list as well";
}

TEST(Overrides, AddKeysAndSayWhich) {
  Image kept = image();
  auto file = File::parse(kept.span(), "x.gguf");
  ASSERT_TRUE(file);
  const auto added = file->override_metadata(parsed({"m.layers=int:3", "new.key=str:x"}));
  ASSERT_TRUE(added);
  EXPECT_THAT(*added, ElementsAre("new.key"));
  EXPECT_EQ(file->get_string("new.key").value(), "x");
  EXPECT_EQ(file->metadata().back().first, "new.key");
}

// Values are views of bytes that the file owns.
TEST(Overrides, SurviveAMove) {
  Image kept = image();
  auto file = File::parse(kept.span(), "x.gguf");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->override_metadata(parsed({"m.name=str:s", "m.layers=int:5"})));
  File moved = std::move(*file);
  const File again = std::move(moved);
  EXPECT_EQ(again.get_string("m.name").value(), "s");
  EXPECT_EQ(again.find("m.layers")->as_int(), 5);
}

TEST(Overrides, AreRefusedWithTheWayOut) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"m.layers=float:3", "'m.layers' is of type int in x.gguf; write m.layers=int:VALUE"},
      {"m.eps=int:3", "write m.eps=float:VALUE"},
      {"m.flag=int:1", "write m.flag=bool:VALUE"},
      {"m.name=bool:true", "write m.name=str:VALUE"},
      {"m.list=int:1", "is an array in x.gguf"},
      {"general.alignment=int:64", "says how the file is laid out"},
      {"split.count=int:2", "says how the file is laid out"},
  };
  for (const auto& [text, message] : cases) {
    Image kept = image();
    auto file = File::parse(kept.span(), "x.gguf");
    ASSERT_TRUE(file);
    const auto added = file->override_metadata(parsed({"m.wide=int:9", text}));
    ASSERT_FALSE(added) << text;
    EXPECT_THAT(added.error().message, HasSubstr(message));
    EXPECT_EQ(file->find("m.wide")->as_int(), 1) << "nothing is changed";
  }
  Image kept = image();
  auto file = File::parse(kept.span(), "x.gguf");
  EXPECT_FALSE(file->override_metadata(parsed({"a=int:1", "a=int:2"})));
}

TEST(Overrides, AreParsedStrictly) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"", "expected key=type:value"},
      {"key", "expected key=type:value"},
      {"=int:1", "expected key=type:value"},
      {"key=int", "expected key=type:value"},
      {"a:b=1", "expected key=type:value"},
      {"key=number:1", "there is no type \"number\""},
      {"key=INT:1", "there is no type \"INT\""},
      {"key=int:", "is no integer"},
      {"key=int:1.5", "is no integer"},
      {"key=int:9223372036854775808", "is no integer"},
      {"key=int: 1", "is no integer"},
      {"key=float:x", "is no finite number"},
      {"key=float:inf", "is no finite number"},
      {"key=float:nan", "is no finite number"},
      {"key=bool:yes", "is neither true nor false"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_override(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(message));
  }
  EXPECT_EQ(std::get<std::string>(parse_override("k=str:")->value), "");
  EXPECT_EQ(std::get<bool>(parse_override("k=bool:TRUE")->value), true);
  EXPECT_EQ(std::get<double>(parse_override("k=float:2")->value), 2.0);
}

}  // namespace
}  // namespace chasqui::gguf
