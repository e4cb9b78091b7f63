<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\local\settings;
use local_copbridge\local\signature;

/**
 * Tests of the signature.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\signature
 */
final class signature_test extends \basic_testcase {
    /** @var string a secret */
    private const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

    public function test_the_vector_of_the_specification(): void {
        // Worked out independently: HMAC-SHA256 of "id.timestamp.body".
        $headers = signature::headers('msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}', [self::SECRET]);
        $this->assertSame('msg_p5jXN8AQM9LWM0D4loKWxJek', $headers['webhook-id']);
        $this->assertSame('1614265330', $headers['webhook-timestamp']);
        $this->assertSame('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', $headers['webhook-signature']);
    }

    public function test_two_secrets_sign_both(): void {
        $other = 'whsec_' . base64_encode(str_repeat('k', 32));
        $both = signature::headers('a', 1, '{}', [self::SECRET, $other])['webhook-signature'];
        $one = signature::headers('a', 1, '{}', [self::SECRET])['webhook-signature'];
        $two = signature::headers('a', 1, '{}', [$other])['webhook-signature'];
        $this->assertSame("$one $two", $both);
    }

    public function test_what_is_a_secret(): void {
        $this->assertTrue(settings::is_secret(self::SECRET));
        $this->assertFalse(settings::is_secret('whsec_short'));
        $this->assertFalse(settings::is_secret('whsec_***'));
        $this->assertFalse(settings::is_secret(base64_encode(str_repeat('k', 32))));
    }
}
