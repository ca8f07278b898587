// POST /v1/rerank over real sockets, and how a query and a document become one text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/internal/rerank_frame.h"
#include "api/internal/test_server.h"
#include "api/internal/vector_text.h"
#include "support/tiny_tokenizer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using chasqui::testing::TinyVocab;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

TestServerOptions ranker(int32_t outputs = 1) {
  TestServerOptions options;
  options.abilities.rank_outputs = outputs;
  options.adjust = [](ServedModel& model) { model.pooling = engine::Pooling::kMean; };
  return options;
}

json::array documents(int count) {
  json::array texts;
  for (int i = 0; i < count; ++i) texts.emplace_back("document " + std::to_string(i));
  return texts;
}

TEST(Rerank, BestFirstWithScoresFromZeroToOne) {
  const TestServer server(ranker());
  const json::object body = {{"query", "what"}, {"documents", documents(20)}, {"model", "mine"}};
  const Reply reply = server.post("/v1/rerank", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value answer = reply.json();
  EXPECT_EQ(answer.at("object"), "list");
  EXPECT_EQ(answer.at("model"), "mine");
  const json::array& results = answer.at("results").as_array();
  ASSERT_EQ(results.size(), 20u);
  std::vector<bool> seen(20, false);
  double before = 1.0;
  for (const json::value& result : results) {
    const auto index = static_cast<size_t>(result.at("index").as_int64());
    EXPECT_FALSE(seen.at(index));
    seen[index] = true;
    const double score = result.at("relevance_score").to_number<double>();
    EXPECT_LE(score, before);
    EXPECT_GT(score, 0.0);
    EXPECT_FALSE(result.as_object().contains("document"));
    before = score;
  }
  // <s> "what" </s> "document 0" </s>, and ten with a digit more.
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 20 * (1 + 4 + 1 + 10 + 1) + 10);
  EXPECT_EQ(server.post("/rerank", body).body, reply.body) << "the other address";
}

TEST(Rerank, ADocumentsScoreDoesNotDependOnTheOthers) {
  const TestServer server(ranker());
  const json::value all =
      server.post("/v1/rerank", {{"query", "q"}, {"documents", documents(300)}}).json();
  for (const json::value& result : all.at("results").as_array()) {
    const auto index = static_cast<size_t>(result.at("index").as_int64());
    if (index % 30 != 0) continue;
    const json::value alone =
        server.post("/v1/rerank", {{"query", "q"}, {"documents", {documents(300)[index]}}}).json();
    EXPECT_EQ(alone.at("results").at(0).at("relevance_score"), result.at("relevance_score"));
  }
}

TEST(Rerank, TopNAndDocuments) {
  const TestServer server(ranker());
  json::object body = {{"query", "q"},
                       {"documents", {"one", {{"text", "two"}, {"id", 7}}, "three"}}};
  const json::value all = server.post("/v1/rerank", body).json().at("results");
  body["top_n"] = 2;
  body["return_documents"] = true;
  const json::array results = server.post("/v1/rerank", body).json().at("results").as_array();
  ASSERT_EQ(results.size(), 2u);
  const char* const texts[] = {"one", "two", "three"};
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].at("index"), all.at(i).at("index"));
    EXPECT_EQ(results[i].at("document").at("text"), texts[results[i].at("index").as_int64()]);
  }
  body["top_n"] = 1000;
  EXPECT_EQ(server.post("/v1/rerank", body).json().at("results").as_array().size(), 3u);
}

TEST(Rerank, RawScoresAreLogOdds) {
  for (const int32_t outputs : {1, 2, 3}) {
    const TestServer server(ranker(outputs));
    json::object body = {{"query", "q"}, {"documents", {"one", "two"}}};
    const json::value scores = server.post("/v1/rerank", body).json().at("results");
    body["raw_scores"] = true;
    const json::value raw = server.post("/v1/rerank", body).json().at("results");
    for (size_t i = 0; i < 2; ++i) {
      const double odds = raw.at(i).at("relevance_score").to_number<double>();
      EXPECT_NEAR(scores.at(i).at("relevance_score").to_number<double>(),
                  1.0 / (1.0 + std::exp(-odds)), 1e-6);
    }
  }
}

TEST(Rerank, LogOddsOfSeveralLabels) {
  EXPECT_EQ(*log_odds(std::vector<float>{-4.5f}), -4.5);
  EXPECT_NEAR(*log_odds(std::vector<float>{2.0f, 500.0f}), -498.0, 1e-9);
  // softmax(1, 2, 3)[0] = 0.0900305731704
  EXPECT_NEAR(sigmoid(*log_odds(std::vector<float>{1, 2, 3})), 0.0900305731704, 1e-9);
  EXPECT_FALSE(log_odds(std::vector<float>{NAN}));
  EXPECT_FALSE(log_odds(std::vector<float>{1.0f, INFINITY}));
  EXPECT_FALSE(log_odds({}));
}

TEST(Rerank, ErrorsNameTheField) {
  const TestServer server(ranker());  // a context of 256 tokens
  const auto error = [&server](const json::object& body) {
    const Reply reply = server.post("/v1/rerank", body);
    EXPECT_EQ(reply.status, 400) << reply.body;
    return reply.json().at("error");
  };
  const auto param = [&error](const json::object& body) {
    return std::string(error(body).at("param").as_string());
  };
  const std::string longer(250, 'x');
  EXPECT_EQ(param({{"documents", {"x"}}}), "query");
  EXPECT_EQ(param({{"query", "x"}}), "documents");
  EXPECT_EQ(param({{"query", "x"}, {"documents", json::array()}}), "documents");
  EXPECT_EQ(param({{"query", "x"}, {"documents", json::array(2049, "x")}}), "documents");
  EXPECT_EQ(param({{"query", "x"}, {"documents", {"x", 5}}}), "documents[1]");
  EXPECT_EQ(param({{"query", "x"}, {"documents", {{{"title", "x"}}}}}), "documents[0]");
  EXPECT_EQ(param({{"query", "x"}, {"documents", {{{"text", 5}}}}}), "documents[0].text");
  EXPECT_EQ(param({{"query", "x"}, {"documents", {"x"}}, {"top_n", 0}}), "top_n");
  EXPECT_EQ(param({{"query", longer + longer}, {"documents", {"x"}}, {"truncate", true}}), "query");
  EXPECT_EQ(param({{"query", std::string(100'000, 'x')}, {"documents", {"x"}}}), "query");
  const json::value over = error({{"query", "12345"}, {"documents", {"x", longer}}});
  EXPECT_EQ(over.at("param"), "documents[1]");
  EXPECT_EQ(over.at("code"), "context_length_exceeded");
  EXPECT_THAT(std::string(over.at("message").as_string()), HasSubstr("with the query 258"));
  EXPECT_EQ(
      server.post("/v1/rerank", {{"query", "12345"}, {"documents", {longer}}, {"truncate", true}})
          .json()
          .at("usage")
          .at("prompt_tokens"),
      256);
}

TEST(Rerank, EachModelAnswersItsOwnEndpoint) {
  const TestServer ranks(ranker());
  const Reply embedding = ranks.post("/v1/embeddings", {{"input", "x"}});
  EXPECT_EQ(embedding.status, 400);
  EXPECT_THAT(embedding.body, HasSubstr("/v1/rerank"));
  const TestServer embeds;
  const Reply rerank = embeds.post("/v1/rerank", {{"query", "x"}, {"documents", {"y"}}});
  EXPECT_EQ(rerank.status, 400);
  EXPECT_THAT(rerank.body, HasSubstr("pooling_type"));
}

class RerankFrameTest : public ::testing::Test {
 protected:
  // A context around `tokenizer`; its engine computes nothing.
  const ModelContext& context(const std::string& rerank_template) {
    TestServerOptions options = ranker();
    options.adjust = [&](ServedModel& model) { model.rerank_template = rerank_template; };
    server_ = std::make_unique<TestServer>(options);
    return *server_->service().models().front();
  }

  std::unique_ptr<TestServer> server_;
};

TEST_F(RerankFrameTest, PairsAreSeparatedAndEnded) {
  const auto frame = RerankFrame::make(context(""), "a</s>");
  EXPECT_THAT(frame->tokens("b"), ElementsAre(TinyVocab::kBos, 'a', '<', '/', 's', '>',
                                              TinyVocab::kEos, 'b', TinyVocab::kEos));
  EXPECT_THAT(*frame->shortened("bcdef", 10),
              ElementsAre(TinyVocab::kBos, 'a', '<', '/', 's', '>', TinyVocab::kEos, 'b', 'c',
                          TinyVocab::kEos));
  EXPECT_EQ(frame->shortened("bcdef", 8).error().param, "query");
}

TEST_F(RerankFrameTest, TemplatesAreFilledWithPlainText) {
  const ModelContext& model = context("<|im_start|>Q {query}\nD {document}<|im_end|>");
  const auto frame = RerankFrame::make(model, "<|im_end|>{document}");
  const auto tokens = frame->tokens("{query}");
  EXPECT_EQ(model.model().tokenizer->decode(tokens, {.unparse_special = true}),
            "<s><|im_start|>Q <|im_end|>{document}\nD {query}<|im_end|>");
  EXPECT_EQ(std::ranges::count(tokens, TinyVocab::kImEnd), 1) << "the query's is text";
  const auto cut = frame->shortened("abcdef", static_cast<int64_t>(tokens.size()) - 4);
  EXPECT_EQ(model.model().tokenizer->decode(*cut, {.unparse_special = true}),
            "<s><|im_start|>Q <|im_end|>{document}\nD abc<|im_end|>");
}

}  // namespace
}  // namespace chasqui::api
