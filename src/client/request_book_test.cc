#include "client/request_book.h"

#include <gtest/gtest.h>

namespace martlet::client {
namespace {

FilterSpec filter(const char* text) {
  return {text, {}};
}

// Sends what is due under 1, 2, 3, ... and returns the handles.
std::vector<RequestHandle> send_due(RequestBook& book, std::uint16_t first_id = 1) {
  std::vector<RequestHandle> handles;
  while (Request* request = book.next_due()) {
    request->packet_id = first_id++;
    handles.push_back(request->handle);
  }
  return handles;
}

TEST(RequestBook, SendsInOrderAndOnce) {
  RequestBook book;
  const RequestHandle first = book.add(true, {filter("a")}, {});
  const RequestHandle second = book.add(true, {filter("b")}, {});
  EXPECT_EQ(send_due(book), (std::vector{first, second}));
  EXPECT_EQ(book.next_due(), nullptr);
  book.answered(1);
  EXPECT_EQ(book.find(1), nullptr);
  ASSERT_NE(book.find(2), nullptr);
  EXPECT_EQ(book.find(2)->handle, second);
}

TEST(RequestBook, KeptSessionRepeatsOnlyWhatWasNotAnswered) {
  RequestBook book;
  book.add(true, {filter("a")}, {});
  const RequestHandle open = book.add(true, {filter("b")}, {});
  send_due(book);
  book.answered(1);
  book.restart(true);
  EXPECT_EQ(send_due(book), std::vector{open});
}

TEST(RequestBook, LostSessionRepeatsAllSubscriptions) {
  RequestBook book;
  const RequestHandle first = book.add(true, {filter("a")}, {});
  const RequestHandle second = book.add(true, {filter("b")}, {});
  send_due(book);
  book.answered(1);
  book.answered(2);
  book.restart(false);
  EXPECT_EQ(send_due(book), (std::vector{first, second}));
}

TEST(RequestBook, UnsubscribedFiltersDoNotComeBack) {
  RequestBook book;
  const RequestHandle kept = book.add(true, {filter("a"), filter("b")}, {});
  book.add(true, {filter("c")}, {});
  send_due(book);
  book.answered(1);
  book.answered(2);
  book.add(false, {filter("a"), filter("c")}, {});
  send_due(book, 3);
  book.answered(3);
  EXPECT_EQ(book.size(), 1u);
  book.restart(false);
  ASSERT_EQ(send_due(book), std::vector{kept});
  ASSERT_EQ(book.find(1)->filters.size(), 1u);
  EXPECT_EQ(book.find(1)->filters[0].filter, "b");
}

TEST(RequestBook, ANewSubscriptionReplacesTheOldOne) {
  RequestBook book;
  book.add(true, {filter("a")}, {});
  send_due(book);
  book.answered(1);
  const RequestHandle again = book.add(true, {filter("a")}, {});
  EXPECT_EQ(book.size(), 1u);
  EXPECT_EQ(send_due(book), std::vector{again});
}

TEST(RequestBook, UnsubscribeThatWasCutIsSentAgain) {
  RequestBook book;
  book.add(true, {filter("a")}, {});
  send_due(book);
  book.answered(1);
  const RequestHandle goes = book.add(false, {filter("a")}, {});
  send_due(book, 2);
  book.restart(true);
  EXPECT_EQ(send_due(book), std::vector{goes});
}

}  // namespace
}  // namespace martlet::client
