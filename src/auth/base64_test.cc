#include "auth/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace martlet::auth {
namespace {

TEST(Base64, WritesTheVectorsOfTheStandard) {
  EXPECT_EQ(base64_encode(as_bytes(""), Base64::padded), "");
  EXPECT_EQ(base64_encode(as_bytes("f"), Base64::padded), "Zg==");
  EXPECT_EQ(base64_encode(as_bytes("fo"), Base64::padded), "Zm8=");
  EXPECT_EQ(base64_encode(as_bytes("foo"), Base64::padded), "Zm9v");
  EXPECT_EQ(base64_encode(as_bytes("foobar"), Base64::padded), "Zm9vYmFy");
  EXPECT_EQ(base64_encode(as_bytes("f"), Base64::unpadded), "Zg");
  const std::vector<std::uint8_t> high = {0xFB, 0xFF};
  EXPECT_EQ(base64_encode(high, Base64::padded), "+/8=");
  EXPECT_EQ(base64_encode(high, Base64::url), "-_8");
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zm9v=", "Zh==", "Z m9", "Zm9v\n", "-_8=", "====", "A==="}) {
    EXPECT_FALSE(base64_decode(text, Base64::padded)) << text;
  }
  for (const char* text : {"Z", "Zg==", "Zh", "-_8"}) EXPECT_FALSE(base64_decode(text, Base64::unpadded)) << text;
  for (const char* text : {"+/8", "Zg==", "Zm.v"}) EXPECT_FALSE(base64_decode(text, Base64::url)) << text;
}

RC_GTEST_PROP(Base64, ReadsWhatItWrote, (const std::vector<std::uint8_t>& bytes)) {
  for (const Base64 form : {Base64::padded, Base64::unpadded, Base64::url}) {
    RC_ASSERT(base64_decode(base64_encode(bytes, form), form) == bytes);
  }
}

}  // namespace
}  // namespace martlet::auth
