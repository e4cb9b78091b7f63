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

use core_external\external_api;
use local_copbridge\external\set_standings;
use local_copbridge\local\standings;

/**
 * Tests of what the service tells.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\standings
 * @covers     \local_copbridge\local\shape
 * @covers     \local_copbridge\external\set_standings
 */
final class standings_test extends \advanced_testcase {
    /** @var int the moment of the first standing */
    private const NOW = 1760000000;

    /** @var int a chosen course */
    private int $course;

    /** @var int somebody */
    private int $user;

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
        $this->mock_clock_with_frozen(self::NOW + 10);
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-*', 'local_copbridge');
        $this->course = (int) $this->getDataGenerator()->create_course(['idnumber' => 'COP-1'])->id;
        $this->user = (int) $this->getDataGenerator()->create_user()->id;
    }

    /**
     * A standing that is right.
     *
     * @param array $changes
     * @return string
     */
    private static function data(array $changes = []): string {
        return json_encode($changes + [
            'version' => 1, 'status' => 'on_pace', 'minutes' => 660, 'band_min' => 960, 'band_max' => 1200,
            'hour_minutes' => 60, 'on_their_way' => 1,
            'components' => [['code' => 'online', 'minutes' => 660]],
            'missing' => [['code' => 'hours', 'params' => ['minutes' => 300, 'component' => null]],
                ['code' => 'activities', 'params' => ['count' => 1, 'rules' => ['m1', 'm2']]],
                ['code' => 'setting', 'params' => new \stdClass()]],
            'activities' => [['module' => 12, 'minutes' => 0, 'offers' => 60, 'component' => null, 'reason' => 'not_passed',
                'at' => null]],
            'sessions' => [['title' => '', 'at' => self::NOW, 'mode' => 'virtual', 'minutes' => 0, 'reason' => 'late']],
            'other' => [['what' => 'best-of', 'title' => '', 'minutes' => -30, 'at' => null]],
        ]);
    }

    /**
     * A community that is right.
     *
     * @param array $changes
     * @return string
     */
    private static function community(array $changes = []): string {
        return json_encode($changes + [
            'version' => 1, 'program' => 'p', 'community' => 'EBWI', 'url' => 'https://cop.example.org/', 'timezone' => 'UTC',
            'components' => ['online'], 'names' => ['program' => ['en' => 'P']], 'swept_at' => null, 'drift' => 0,
        ]);
    }

    /**
     * Tells one standing.
     *
     * @param string $data
     * @param int $later seconds
     * @param array $changes of the row
     * @return string|null the reason why it was refused
     */
    private function tell(string $data, int $later = 0, array $changes = []): ?string {
        $row = $changes + ['courseid' => $this->course, 'userid' => $this->user, 'asof' => self::NOW + $later, 'data' => $data];
        $answer = set_standings::execute([$row]);
        $answer = external_api::clean_returnvalue(set_standings::execute_returns(), $answer);
        $this->assertSame(1, $answer['kept'] + count($answer['refused']));
        return $answer['refused'][0]['reason'] ?? null;
    }

    public function test_what_is_newer_stands(): void {
        $this->assertNull(standings::of($this->course, $this->user));
        $this->assertNull($this->tell(self::data()));
        $this->assertNull($this->tell(self::data(['minutes' => 700])));
        $this->assertSame('older', $this->tell(self::data(['minutes' => 1]), -1));
        $this->assertSame('older', $this->tell('', -1));
        $standing = standings::of($this->course, $this->user);
        $this->assertSame([700, self::NOW], [$standing->minutes, $standing->asof]);
        $this->assertSame([$this->user], array_keys(standings::roster($this->course)));
        $this->assertFalse(isset(standings::roster($this->course)[$this->user]->activities));
        $this->assertNull($this->tell('', 1));
        $this->assertNull(standings::of($this->course, $this->user));
    }

    public function test_the_same_key_twice_in_a_call(): void {
        $row = ['courseid' => $this->course, 'userid' => $this->user, 'asof' => self::NOW, 'data' => self::data()];
        $later = ['asof' => self::NOW + 1, 'data' => self::data(['minutes' => 720])] + $row;
        $answer = set_standings::execute([$row, $later, $row]);
        $this->assertSame(2, $answer['kept']);
        $this->assertSame('older', $answer['refused'][0]['reason']);
        $this->assertSame(720, standings::of($this->course, $this->user)->minutes);
    }

    public function test_refusals_are_by_row(): void {
        global $DB;
        $other = (int) $this->getDataGenerator()->create_course()->id;
        $gone = (int) $this->getDataGenerator()->create_user()->id;
        delete_user($DB->get_record('user', ['id' => $gone]));
        $this->assertSame('notchosen', $this->tell(self::data(), 0, ['courseid' => $other]));
        $this->assertSame('notchosen', $this->tell(self::data(), 0, ['courseid' => $other + 1000]));
        $this->assertSame('unknown_user', $this->tell(self::data(), 0, ['userid' => $gone]));
        $this->assertNull($this->tell('', 0, ['courseid' => $other, 'userid' => $gone]));
        $this->assertSame('malformed', $this->tell(self::data(), 10 * DAYSECS));
        $this->assertSame(0, $DB->count_records('local_copbridge_standing'));
    }

    /**
     * Documents that aren't right.
     *
     * @return array[]
     */
    public static function malformed(): array {
        $changes = [
            ['status' => 'splendid'], ['status' => null], ['version' => 2], ['minutes' => '660'], ['minutes' => 1.5],
            ['band_min' => null], ['band_max' => 900], ['hour_minutes' => 0], ['on_their_way' => -1], ['components' => null],
            ['components' => ['online' => 3]], ['components' => [['code' => 'online']]], ['missing' => [['code' => 'hours']]],
            ['missing' => [['code' => 'hours', 'params' => ['a' => ['b' => ['c' => 1]]]]]],
            ['activities' => [['module' => 0, 'minutes' => 1, 'offers' => 1, 'component' => 'x', 'reason' => null, 'at' => null]]],
            ['sessions' => [['title' => 'x', 'at' => null, 'mode' => 'virtual', 'minutes' => 1, 'reason' => null]]],
            ['other' => [['what' => '', 'title' => '', 'minutes' => 1, 'at' => 1]]],
        ];
        return array_map(fn(array $one): array => [self::data($one)], $changes)
            + ['text' => ['{'], 'list' => ['[]'], 'null' => ['null']];
    }

    /**
     * What isn't right isn't kept.
     *
     * @dataProvider malformed
     * @param string $data
     */
    public function test_malformed(string $data): void {
        $this->assertSame('malformed', $this->tell($data));
        $this->assertNull(standings::of($this->course, $this->user));
    }

    public function test_codes_that_are_newer_than_the_plugin_pass(): void {
        $missing = [['code' => 'poem', 'params' => ['lines' => 4]]];
        $this->assertNull($this->tell(self::data(['missing' => $missing, 'more' => true])));
    }

    public function test_communities(): void {
        $row = ['courseid' => $this->course, 'asof' => self::NOW, 'data' => self::community()];
        $this->assertSame(['kept' => 1, 'refused' => [], 'held' => 0], set_standings::execute([], [$row]));
        $this->assertSame('EBWI', standings::course($this->course)->community);
        $wrong = ['names' => ['program' => 'P'], 'swept_at' => 'today', 'components' => 'online', 'url' => null];
        foreach ($wrong as $key => $value) {
            $answer = set_standings::execute([], [['data' => self::community([$key => $value])] + $row]);
            $this->assertSame([['courseid' => $this->course, 'userid' => 0, 'reason' => 'malformed']], $answer['refused'], $key);
        }
        $this->assertSame(1, set_standings::execute([], [['data' => ''] + $row])['kept']);
        $this->assertNull(standings::course($this->course));
    }

    public function test_too_many_at_once(): void {
        $row = ['courseid' => $this->course, 'userid' => $this->user, 'asof' => self::NOW, 'data' => self::data()];
        $this->expectException(\invalid_parameter_exception::class);
        set_standings::execute(array_fill(0, set_standings::MOST + 1, $row));
    }

    public function test_needs_its_capability(): void {
        $this->setUser($this->user);
        $this->expectException(\required_capability_exception::class);
        set_standings::execute();
    }
}
