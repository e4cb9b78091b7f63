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

use local_copbridge\local\answer;
use local_copbridge\local\backoff;
use local_copbridge\local\deliveries;
use local_copbridge\local\identity;
use local_copbridge\local\outbox;
use local_copbridge\local\sender;
use local_copbridge\local\transport;

/**
 * Tests of the sender, with a receiver of its own.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\sender
 */
final class sender_test extends \advanced_testcase {
    /** @var \stdClass[] the batches that were posted */
    private array $posted = [];

    /**
     * A sender to a receiver, with a number of events that wait.
     *
     * @param \Closure $receiver makes an answer of a batch
     * @param int $events
     * @return sender
     */
    private function sender(\Closure $receiver, int $events = 3): sender {
        $this->resetAfterTest();
        $this->mock_clock_with_frozen(1800000000);
        set_config('endpoint', 'https://cop.example.org/webhooks/main/events', 'local_copbridge');
        set_config('secret', 'whsec_' . base64_encode(str_repeat('k', 32)), 'local_copbridge');
        for ($i = 0; $i < $events; $i++) {
            outbox::note('\\local_copbridge\\event\\pinged', 0, 0, 0, ['number' => $i]);
        }
        $transport = $this->createMock(transport::class);
        $transport->method('post')->willReturnCallback(function (string $url, array $headers, string $body) use ($receiver) {
            $batch = json_decode($body);
            $this->posted[] = $batch;
            return $receiver($batch, $headers);
        });
        return new sender($transport);
    }

    /**
     * An answer with a fate for each event.
     *
     * @param \stdClass $batch
     * @param array $fates result and reason by number, where it isn't "accepted"; null: not mentioned
     * @return answer
     */
    private static function taken(\stdClass $batch, array $fates = []): answer {
        $results = [];
        foreach ($batch->events as $number => $event) {
            $fate = array_key_exists($number, $fates) ? $fates[$number] : ['accepted', null];
            if ($fate) {
                $results[] = ['item' => "events/$number", 'id' => $event->id, 'result' => $fate[0], 'reason' => $fate[1]];
            }
        }
        return new answer(200, json_encode(['results' => $results]));
    }

    public function test_what_is_taken_is_removed(): void {
        $sender = $this->sender(static fn(\stdClass $batch): answer => self::taken($batch));
        $this->assertSame('delivered', $sender->run(1800000050)->outcome);
        $this->assertSame([0, 3], [outbox::waiting(), $sender->settled()]);
        $this->assertSame('1800000000', get_config('local_copbridge', 'lastdelivery'));
        $log = deliveries::latest(5);
        $this->assertCount(1, $log);
        $this->assertEquals([3, 200], [reset($log)->events, reset($log)->httpstatus]);
    }

    public function test_each_event_has_its_fate(): void {
        $fates = [['quarantined', 'malformed'], null, ['ignored', null]];
        $sender = $this->sender(fn(\stdClass $batch): answer => self::taken($batch, count($this->posted) === 1 ? $fates : [null]));
        $result = $sender->run(1800000050);
        // The one that no answer mentioned stays, and isn't sent again at once for ever.
        $this->assertSame('nonsense', $result->outcome);
        $this->assertCount(2, $this->posted);
        $this->assertSame(1, outbox::waiting());
        $dead = outbox::dead(5);
        $this->assertSame('malformed', reset($dead)->reason);
    }

    public function test_an_unconfirmed_copy_keeps_everything(): void {
        $fates = array_fill(0, 3, ['quarantined', 'unconfirmed_copy']);
        $sender = $this->sender(static fn(\stdClass $batch): answer => self::taken($batch, $fates));
        $this->assertSame('unconfirmed', $sender->run(1800000050)->outcome);
        $this->assertSame([3, []], [outbox::waiting(), outbox::dead(5)]);
        $this->assertSame('backing_off', $sender->run(1800000050)->outcome);
        // It is asked again with one row only.
        $this->assertSame('unconfirmed', $sender->run(1800000050, true)->outcome);
        $this->assertCount(1, $this->posted[1]->events);
        $this->assertSame(3, outbox::waiting());
    }

    public function test_a_sign_of_life_tells_of_an_unconfirmed_copy(): void {
        $confirmed = false;
        $sender = $this->sender(static function () use (&$confirmed): answer {
            return new answer(200, json_encode(['results' => []] + ($confirmed === null ? [] : ['confirmed' => $confirmed])));
        }, 0);
        $result = $sender->test();
        $this->assertSame('unconfirmed', $result->outcome);
        $this->assertStringContainsString('copbridge site confirm main --epoch ' . identity::epoch(), $result->message());
        $this->assertFalse(get_config('local_copbridge', 'lastdelivery'));
        $this->assertSame('unconfirmed', get_config('local_copbridge', 'lasterror'));
        backoff::forget();
        $this->assertSame('unconfirmed', $sender->heartbeat()->outcome);
        $this->assertFalse(get_config('local_copbridge', 'lastdelivery'));
        $log = deliveries::latest(1);
        $this->assertSame('unconfirmed', reset($log)->outcome);
        // Confirmed there; and a service that doesn't say.
        foreach ([true, null] as $confirmed) {
            $this->assertSame('delivered', $sender->test()->outcome);
            $this->assertSame('1800000000', get_config('local_copbridge', 'lastdelivery'));
            unset_config('lastdelivery', 'local_copbridge');
        }
    }

    public function test_an_unconfirmed_copy_keeps_what_was_taken_before(): void {
        $sender = $this->sender(static function (\stdClass $batch): answer {
            $results = json_decode(self::taken($batch, [['duplicate', null]])->body, true);
            return new answer(200, json_encode($results + ['confirmed' => false]));
        });
        $this->assertSame('unconfirmed', $sender->run(1800000050)->outcome);
        $this->assertSame([3, []], [outbox::waiting(), outbox::dead(5)]);
    }

    /**
     * Answers after which everything stays.
     *
     * @return array
     */
    public static function failures(): array {
        return [
            'down' => [new answer(0, '', '', 'unreachable', 'no route'), 'unreachable'],
            'late' => [new answer(0, '', '', 'timeout'), 'timeout'],
            'blocked' => [new answer(0, '', '', 'blocked', 'curlsecurityblockedhosts'), 'blocked'],
            'a sign-in page' => [new answer(200, '<html>'), 'nonsense'],
            'other JSON' => [new answer(200, '{"results":{"a":1}}'), 'nonsense'],
            'a redirect' => [new answer(302), 'redirected'],
            'a proxy' => [new answer(400, 'Bad Request'), 'http'],
            'an envelope that is not taken' => [new answer(400, '{"errors":["wwwroot"]}'), 'malformed'],
            'too large, however small' => [new answer(413), 'too_large'],
            'another secret' => [new answer(401), 'refused'],
            'broken' => [new answer(500), 'http'],
        ];
    }

    /**
     * After a failure everything stays, and it is tried again later.
     *
     * @dataProvider failures
     * @param answer $answer
     * @param string $outcome
     */
    public function test_a_failure_keeps_everything(answer $answer, string $outcome): void {
        $sender = $this->sender(static fn(): answer => $answer);
        $result = $sender->run(1800000050);
        $this->assertSame($outcome, $result->outcome);
        $this->assertNotSame('', $result->message());
        $this->assertSame([3, []], [outbox::waiting(), outbox::dead(5)]);
        $this->assertGreaterThan(1800000000, (int) get_config('local_copbridge', 'retryat'));
        $this->assertSame($outcome, get_config('local_copbridge', 'lasterror'));
    }

    public function test_how_long_it_waits(): void {
        $this->sender(static fn(): answer => new answer(500));
        foreach ([15, 30, 60, 120, 240, 480, 600, 600] as $wait) {
            backoff::failed('http');
            $waits = (int) get_config('local_copbridge', 'retryat') - 1800000000;
            $this->assertGreaterThanOrEqual($wait * 0.8, $waits);
            $this->assertLessThanOrEqual(min(600, $wait * 1.2), $waits);
        }
        $sender = $this->sender(static fn(): answer => new answer(503, '', '99999'));
        $sender->run(1800000050, true);
        $this->assertSame('1800000600', get_config('local_copbridge', 'retryat'));
    }

    public function test_the_refused_row_is_found(): void {
        $sender = $this->sender(static function (\stdClass $batch): answer {
            foreach ($batch->events as $event) {
                if ($event->data->other->number === 5) {
                    return new answer(400, '{"errors":["events.5.data"]}');
                }
            }
            return self::taken($batch);
        }, 9);
        $this->assertSame('delivered', $sender->run(1800000050)->outcome);
        $this->assertSame(0, outbox::waiting());
        $dead = outbox::dead(5);
        $this->assertCount(1, $dead);
        $this->assertSame(5, json_decode(reset($dead)->data)->other->number);
        $this->assertEquals(1, reset($dead)->attempts);
    }

    public function test_smaller_batches(): void {
        $sender = $this->sender(static function (\stdClass $batch): answer {
            return count($batch->events) > 60 ? new answer(413) : self::taken($batch);
        }, 100);
        $this->assertSame('delivered', $sender->run(1800000050)->outcome);
        $this->assertSame([0, []], [outbox::waiting(), outbox::dead(5)]);
    }

    public function test_a_copy_sends_nothing(): void {
        $sender = $this->sender(static fn(\stdClass $batch): answer => self::taken($batch));
        set_config('wwwroot', 'https://original.example.org', 'local_copbridge');
        $this->assertSame('copy', $sender->run(1800000050)->outcome);
        $this->assertSame('copy', $sender->heartbeat()->outcome);
        $this->assertSame('copy', $sender->test()->outcome);
        $this->assertSame([[], 3], [$this->posted, outbox::waiting()]);
        identity::confirm_same();
        $this->assertSame('delivered', $sender->run(1800000050)->outcome);
        $epoch = identity::epoch();
        identity::become_new();
        $this->assertNotSame($epoch, identity::epoch());
        $this->assertSame('unset', $sender->run(1800000050)->outcome);
    }

    public function test_the_heartbeat(): void {
        $sender = $this->sender(static fn(\stdClass $batch): answer => self::taken($batch), 0);
        $this->assertSame('delivered', $sender->heartbeat()->outcome);
        $this->assertSame('idle', $sender->heartbeat()->outcome);
        $this->assertSame([[]], array_column($this->posted, 'events'));
    }

    public function test_what_is_too_old_is_dropped(): void {
        global $DB;
        $sender = $this->sender(static fn(\stdClass $batch): answer => self::taken($batch));
        $DB->set_field('local_copbridge_outbox', 'timecreated', 1800000000 - 31 * DAYSECS, []);
        $this->assertSame('idle', $sender->run(1800000050)->outcome);
        $this->assertSame('3', get_config('local_copbridge', 'dropped'));
        // A month without another loss, and nobody is told of it any more.
        set_config('lostat', 1800000000 - 30 * DAYSECS, 'local_copbridge');
        set_config('tidiedat', 0, 'local_copbridge');
        $this->assertSame('idle', $sender->run(1800000050)->outcome);
        $this->assertSame('0', get_config('local_copbridge', 'dropped'));
    }
}
