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

use local_copbridge\local\batch;
use local_copbridge\local\outbox;
use local_copbridge\local\readings;

/**
 * Tests of how events become bodies.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\batch
 */
final class batch_test extends \advanced_testcase {
    /**
     * The bodies of what waits.
     *
     * @param int $maxbytes
     * @return \stdClass[]
     */
    private static function bodies(int $maxbytes = batch::MAX_BYTES): array {
        $batch = new batch(outbox::next(batch::MAX_ROWS), $maxbytes);
        $bodies = [];
        foreach ($batch->bodies(readings::configured()) as $body) {
            $bodies[] = json_decode($body->json, false, 512, JSON_THROW_ON_ERROR);
        }
        return $bodies;
    }

    public function test_a_completion_brings_what_it_needs(): void {
        global $CFG;
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course(['enablecompletion' => 1]);
        $page = $this->getDataGenerator()->create_module('page', ['course' => $course->id, 'completion' => 1]);
        $user = $this->getDataGenerator()->create_and_enrol($course);
        set_config('scope', 'all', 'local_copbridge');
        $cm = get_fast_modinfo($course)->get_cm($page->cmid);
        (new \completion_info($course))->update_state($cm, COMPLETION_COMPLETE, $user->id);
        $bodies = self::bodies();
        $this->assertCount(1, $bodies);
        $this->assertSame([1, $CFG->wwwroot], [$bodies[0]->version, $bodies[0]->wwwroot]);
        $this->assertCount(1, $bodies[0]->events);
        $kinds = array_column($bodies[0]->readings, 'kind');
        sort($kinds);
        $this->assertSame(['account', 'completion', 'course', 'enrolment', 'module'], $kinds);
    }

    public function test_a_group_brings_its_people(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course();
        $group = $this->getDataGenerator()->create_group(['courseid' => $course->id]);
        $in = $this->getDataGenerator()->create_and_enrol($course);
        $this->getDataGenerator()->create_and_enrol($course);
        groups_add_member($group, $in);
        set_config('scope', 'all', 'local_copbridge');
        groups_update_group($group);
        $readings = self::bodies()[0]->readings;
        $enrolments = array_filter($readings, static fn(\stdClass $reading): bool => $reading->kind === 'enrolment');
        $this->assertEquals([$in->id], array_values(array_column($enrolments, 'user')));
    }

    public function test_what_does_not_fit_goes_before(): void {
        $this->resetAfterTest();
        $course = $this->getDataGenerator()->create_course();
        for ($i = 0; $i < 10; $i++) {
            $this->getDataGenerator()->create_module('page', ['course' => $course->id]);
        }
        set_config('scope', 'all', 'local_copbridge');
        update_course((object) ['id' => $course->id, 'fullname' => 'New']);
        $bodies = self::bodies(1000);
        $this->assertGreaterThan(2, count($bodies));
        $last = array_pop($bodies);
        $this->assertCount(1, $last->events);
        foreach ($bodies as $body) {
            $this->assertSame([], $body->events);
            $this->assertNotEmpty($body->readings);
        }
    }

    public function test_a_row_without_an_event(): void {
        global $DB;
        $this->resetAfterTest();
        outbox::note('\\local_copbridge\\event\\pinged', 0, 0, 0);
        $DB->set_field('local_copbridge_outbox', 'data', '{"cut', []);
        $batch = new batch(outbox::next(10));
        $this->assertCount(0, $batch->rows());
        $this->assertCount(1, $batch->unreadable());
    }
}
