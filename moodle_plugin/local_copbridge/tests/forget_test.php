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

use local_copbridge\local\forget;

/**
 * Tests of what is forgotten when people, courses and activities are deleted.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\forget
 * @covers     \local_copbridge\people_observer
 */
final class forget_test extends \advanced_testcase {
    /** @var \stdClass[] two courses */
    private array $courses;

    /** @var int[] an activity in each */
    private array $cmids;

    /** @var \stdClass[] two people */
    private array $users;

    /**
     * Two people with a standing and presence in each of two courses.
     */
    protected function setUp(): void {
        global $DB;
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
        $generator = $this->getDataGenerator();
        $this->users = [$generator->create_user(), $generator->create_user()];
        foreach ([0, 1] as $number) {
            $this->courses[] = $course = $generator->create_course();
            $this->cmids[] = $cmid = (int) $generator->create_module('page', ['course' => $course->id])->cmid;
            $row = ['courseid' => $course->id, 'data' => '{}', 'asof' => 1, 'timemodified' => 1];
            $DB->insert_record('local_copbridge_course', (object) $row);
            foreach ($this->users as $user) {
                $DB->insert_record('local_copbridge_standing', (object) ($row + ['userid' => $user->id]));
                $DB->insert_record('local_copbridge_presence', (object) [
                    'cmid' => $cmid, 'userid' => $user->id, 'state' => 1, 'timewritten' => 1,
                ]);
            }
        }
    }

    /**
     * How many rows there are.
     *
     * @return int[] standings, courses, presence
     */
    private function rows(): array {
        global $DB;
        return array_map(fn(string $name): int => $DB->count_records("local_copbridge_$name"), ['standing', 'course', 'presence']);
    }

    /**
     * A user is deleted: nothing of theirs stays, and nothing of others goes.
     */
    public function test_user(): void {
        global $DB;
        delete_user($this->users[0]);
        $this->assertSame([2, 2, 2], $this->rows());
        $this->assertFalse($DB->record_exists('local_copbridge_standing', ['userid' => $this->users[0]->id]));
        $this->assertFalse($DB->record_exists('local_copbridge_presence', ['userid' => $this->users[0]->id]));
    }

    /**
     * A course is deleted.
     */
    public function test_course(): void {
        global $DB;
        delete_course($this->courses[0], false);
        $this->assertSame([2, 1, 2], $this->rows());
        $this->assertFalse($DB->record_exists('local_copbridge_presence', ['cmid' => $this->cmids[0]]));
    }

    /**
     * A course's content is replaced: its activities go, how people stand stays.
     */
    public function test_content(): void {
        remove_course_contents($this->courses[0]->id, false);
        $this->assertSame([4, 2, 2], $this->rows());
    }

    /**
     * An activity is deleted.
     */
    public function test_module(): void {
        course_delete_module($this->cmids[1]);
        $this->assertSame([4, 2, 2], $this->rows());
        forget::module($this->cmids[0]);
        $this->assertSame([4, 2, 0], $this->rows());
    }
}
